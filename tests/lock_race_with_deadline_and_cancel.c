/*
 * Unlocks race with deadlines and cancellation of the waiters: each wait ends once, the lock is
 * held exactly by those that were told so, and it is free in the end.
 */
#include "test.h"

enum { ROUNDS = 4000, WAITERS = 3, SWEEP_NS = 40000 };

static bine_mutex mutex;
static int holders; /* guarded by mutex */
static _Atomic int got, timed_out, cancelled;

static int wait_for_lock(bine_time deadline)
{
    int result = bine_lock_until(&mutex, deadline);
    if (result == 0) {
        CHECK_EQ(++holders, 1);
        got++;
        holders--;
        bine_unlock(&mutex);
        return 0;
    }
    CHECK(result == -ETIMEDOUT || result == -ECANCELED);
    *(result == -ETIMEDOUT ? &timed_out : &cancelled) += 1;
    return result;
}

static void race_once(int round)
{
    bine_future(int) waiters[WAITERS];
    bine_time gap = round * 37 % SWEEP_NS;
    bine_lock(&mutex);
    bine_time moment = bine_after(SWEEP_NS);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = bine_async(wait_for_lock, i == 0 ? BINE_NEVER : moment);
        CHECK(waiters[i]);
    }
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    if (round % 2)
        bine_cancel(waiters[0]);
    bine_unlock(&mutex);
    if (round % 2 == 0)
        bine_cancel(waiters[0]);
    for (int i = 0; i < WAITERS; i++)
        bine_await(waiters[i]);
    CHECK_EQ(bine_try_lock(&mutex), 0);
    bine_unlock(&mutex);
}

static int race_often(int rounds)
{
    got = timed_out = cancelled = 0;
    for (int i = 0; i < rounds; i++)
        race_once(i);
    CHECK_EQ(got + timed_out + cancelled, rounds * WAITERS);
    CHECK(got > 0 && timed_out + cancelled > 0); /* else nothing raced */
    return 0;
}

int main(void)
{
    race_often(test_scaled(ROUNDS)); /* a plain thread unlocks */
    bine_future(int) in_task = bine_async(race_often, test_scaled(ROUNDS));
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
