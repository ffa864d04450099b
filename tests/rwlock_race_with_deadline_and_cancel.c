/*
 * Unlocks of a read-write lock race with deadlines and cancellation of the waiters: each wait ends
 * once, the lock is held exactly by those that were told so, and it is free in the end.
 */
#include "test.h"

enum { ROUNDS = 3000, WAITERS = 5, SWEEP_NS = 40000 };

static bine_rwlock lock;
static _Atomic int readers, writers;
static _Atomic int got, timed_out, cancelled;

static int use(bool writes, bine_time deadline)
{
    int result =
        writes ? bine_write_lock_until(&lock, deadline) : bine_read_lock_until(&lock, deadline);
    if (result) {
        CHECK(result == -ETIMEDOUT || result == -ECANCELED);
        *(result == -ETIMEDOUT ? &timed_out : &cancelled) += 1;
        return result;
    }
    *(writes ? &writers : &readers) += 1;
    got++;
    CHECK(writes ? writers == 1 && readers == 0 : writers == 0);
    *(writes ? &writers : &readers) -= 1;
    (writes ? bine_write_unlock : bine_read_unlock)(&lock);
    return 0;
}

/* The lock is held for reading or writing; which waiters write changes with the round, too. */
static void race_once(int round)
{
    bine_future(int) waiters[WAITERS];
    bine_time gap = round * 37 % SWEEP_NS;
    bool writes = round / 2 % 2;
    (writes ? bine_write_lock : bine_read_lock)(&lock);
    bine_time moment = bine_after(SWEEP_NS);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = bine_async(use, (round >> (2 + i)) % 2, i == 0 ? BINE_NEVER : moment);
        CHECK(waiters[i]);
    }
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    if (round % 2)
        bine_cancel(waiters[0]);
    (writes ? bine_write_unlock : bine_read_unlock)(&lock);
    if (round % 2 == 0)
        bine_cancel(waiters[0]);
    for (int i = 0; i < WAITERS; i++)
        bine_await(waiters[i]);
    CHECK_EQ(bine_write_lock_until(&lock, BINE_NOW), 0);
    bine_write_unlock(&lock);
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
