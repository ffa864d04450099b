/*
 * Sets race with deadlines and cancellation: each wait ends exactly once, for one reason, and no
 * set is lost on a waiter that stayed.
 */
#include "test.h"

enum { ROUNDS = 4000, WAITERS = 4, SWEEP_NS = 40000 };

static bine_event event;
static _Atomic int woken, timed_out, cancelled;

static void wait_for_event(bine_time deadline)
{
    int result = bine_event_wait_until(&event, deadline);
    CHECK(result == 0 || result == -ETIMEDOUT || result == -ECANCELED);
    CHECK(result != -ETIMEDOUT || bine_now() >= deadline);
    *(result == 0 ? &woken : result == -ETIMEDOUT ? &timed_out : &cancelled) += 1;
}

static void race_once(int round)
{
    bine_future(void) waiters[WAITERS];
    bine_time gap = round * 37 % SWEEP_NS;
    bine_event_clear(&event);
    bine_time moment = bine_after(SWEEP_NS);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = bine_async(wait_for_event, i < 2 ? BINE_NEVER : moment);
        CHECK(waiters[i]);
    }
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    if (round % 2)
        bine_cancel(waiters[0]);
    bine_event_set(&event);
    if (round % 2 == 0)
        bine_cancel(waiters[0]);
    for (int i = 0; i < WAITERS; i++)
        bine_await(waiters[i]); /* waiters[1] only ever ends by the set */
}

static int race_often(int rounds)
{
    int done = 0;
    woken = timed_out = cancelled = 0;
    while (done < rounds || (timed_out == 0 && done < 20 * rounds))
        race_once(done++);
    CHECK_EQ(woken + timed_out + cancelled, done * WAITERS);
    CHECK(woken >= done);
    CHECK(timed_out > 0); /* else nothing raced */
    return 0;
}

int main(void)
{
    race_often(test_scaled(ROUNDS)); /* a plain thread sets it */
    CHECK_EQ(bine_run(race_often, test_scaled(ROUNDS)), 0);
    return 0;
}
