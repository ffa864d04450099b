/*
 * Releases race with deadlines and cancellation of who waits for permits: each wait ends once, and
 * the permits are those taken and those still there.
 */
#include "test.h"

enum { ROUNDS = 4000, WAITERS = 4, MOST = 3, SWEEP_NS = 40000 };

static bine_sem sem;
static _Atomic int got, timed_out, cancelled, taken;

static int acquire(int permits, bine_time deadline)
{
    int result = bine_sem_acquire_until(&sem, (size_t)permits, deadline);
    CHECK(result == 0 || result == -ETIMEDOUT || result == -ECANCELED);
    *(result == 0 ? &got : result == -ETIMEDOUT ? &timed_out : &cancelled) += 1;
    if (result == 0)
        taken += permits;
    return result;
}

/* What is there, taken. */
static int drain(void)
{
    int permits = 0;
    while (bine_sem_acquire_until(&sem, 1, BINE_NOW) == 0)
        permits++;
    return permits;
}

static void race_once(int round)
{
    bine_future(int) waiters[WAITERS];
    bine_time gap = round * 37 % SWEEP_NS;
    bine_time moment = bine_after(SWEEP_NS);
    taken = 0;
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = bine_async(acquire, (round >> i) % MOST + 1, i == 0 ? BINE_NEVER : moment);
        CHECK(waiters[i]);
    }
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    if (round % 2)
        bine_cancel(waiters[0]);
    bine_sem_release(&sem, 2);
    bine_sem_release(&sem, 1);
    if (round % 2 == 0)
        bine_cancel(waiters[0]);
    for (int i = 0; i < WAITERS; i++)
        bine_await(waiters[i]);
    CHECK_EQ(taken + drain(), 3);
}

static int race_often(int rounds)
{
    got = timed_out = cancelled = 0;
    for (int i = 0; i < rounds; i++)
        race_once(i);
    CHECK_EQ(got + timed_out + cancelled, rounds * WAITERS);
    CHECK(got > 0 && timed_out > 0 && cancelled > 0); /* else nothing raced */
    return 0;
}

int main(void)
{
    race_often(test_scaled(ROUNDS)); /* a plain thread releases */
    bine_future(int) in_task = bine_async(race_often, test_scaled(ROUNDS));
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
