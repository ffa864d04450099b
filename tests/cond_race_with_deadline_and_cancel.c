/*
 * Signals race with deadlines and cancellation of the waiters: as many waits return 0 as there were
 * signals, for one that meets a waiter that has given up goes to the next; and whatever a wait
 * returns, its caller holds the mutex.
 */
#include "test.h"

enum { ROUNDS = 1500, RACERS = 3, SWEEP_NS = 40000 };

static bine_mutex mutex;
static bine_cond cond;
static int holders, standing, woken, timed_out, cancelled; /* guarded by mutex */

static int wait_for_signal(bine_time deadline)
{
    bine_lock(&mutex);
    standing++; /* it is, before anybody else can lock the mutex */
    int result = bine_cond_wait_until(&cond, &mutex, deadline);
    CHECK_EQ(++holders, 1);
    CHECK(result == 0 || result == -ETIMEDOUT || result == -ECANCELED);
    CHECK(result != -ETIMEDOUT || bine_now() >= deadline);
    CHECK_EQ(bine_try_lock(&mutex), -EAGAIN);
    *(result == 0 ? &woken : result == -ETIMEDOUT ? &timed_out : &cancelled) += 1;
    CHECK_EQ(--holders, 0);
    bine_unlock(&mutex);
    return result;
}

static int count(const int *counter)
{
    bine_lock(&mutex);
    int now = *counter;
    bine_unlock(&mutex);
    return now;
}

static bine_future(int) start(bine_time deadline)
{
    int before = count(&standing);
    bine_future(int) waiter = bine_async(wait_for_signal, deadline);
    CHECK(waiter);
    while (count(&standing) == before)
        bine_yield();
    return waiter;
}

static void signal_one(int round)
{
    if (round / 2 % 2)
        bine_lock(&mutex);
    bine_cond_signal(&cond);
    if (round / 2 % 2)
        bine_unlock(&mutex);
}

/* In line: one that is cancelled, some whose time comes, and one that stays. */
static void race_once(int round)
{
    bine_future(int) racers[RACERS];
    bine_time gap = round * 37 % SWEEP_NS;
    bine_time moment = bine_after(2 * SWEEP_NS);
    int before = count(&woken), racers_woken = 0;
    for (int i = 0; i < RACERS; i++)
        racers[i] = start(i == 0 ? BINE_NEVER : moment);
    bine_future(int) stays = start(BINE_NEVER);
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    if (round % 2)
        bine_cancel(racers[0]);
    signal_one(round);
    if (round % 2 == 0)
        bine_cancel(racers[0]);
    for (int i = 0; i < RACERS; i++)
        racers_woken += bine_await(racers[i]) == 0;
    CHECK(racers_woken <= 1);
    if (racers_woken) /* else the signal is the last one's */
        signal_one(round);
    CHECK_EQ(bine_await(stays), 0);
    CHECK_EQ(count(&woken), before + 1 + racers_woken);
}

static int race_often(int rounds)
{
    woken = timed_out = cancelled = 0;
    for (int i = 0; i < rounds; i++)
        race_once(i);
    CHECK_EQ(woken + timed_out + cancelled, rounds * (RACERS + 1));
    CHECK(woken > rounds && timed_out + cancelled > 0); /* else nothing raced */
    return 0;
}

int main(void)
{
    race_often(test_scaled(ROUNDS)); /* a plain thread signals */
    bine_future(int) in_task = bine_async(race_often, test_scaled(ROUNDS));
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
