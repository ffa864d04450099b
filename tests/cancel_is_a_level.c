/*
 * Cancellation is a state: from then on every wait fails at once, also one that would not have had
 * to wait, and it changes nothing. Calls with try in their name, and those that cannot be
 * cancelled, go on working.
 */
#include "test.h"

static bine_event set;
static bine_waitgroup empty;
static bine_mutex unlocked;

static int compute(void)
{
    return 11;
}

static void check_waits_fail(bine_future(int) ended)
{
    int result = -1;
    bine_future(int) futures[] = {ended};
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    CHECK_EQ(bine_sleep(0), -ECANCELED);
    CHECK_EQ(bine_sleep_until(BINE_NEVER), -ECANCELED);
    CHECK_EQ(bine_event_wait(&set), -ECANCELED);
    CHECK_EQ(bine_event_wait_until(&set, BINE_NOW), -ECANCELED);
    CHECK_EQ(bine_waitgroup_wait(&empty), -ECANCELED);
    CHECK_EQ(bine_lock_until(&unlocked, BINE_NEVER), -ECANCELED);
    CHECK_EQ(bine_await_until(ended, &result, BINE_NEVER), -ECANCELED);
    CHECK_EQ(result, -1);
    CHECK_EQ(bine_await_any(futures, 1), -ECANCELED);
    CHECK_EQ(bine_await_any(futures, 0), -EINVAL); /* arguments come first */
}

static void check_others_work(void)
{
    CHECK_EQ(bine_try_lock(&unlocked), 0); /* lock_until had not taken it */
    CHECK_EQ(bine_try_lock(&unlocked), -EAGAIN);
    bine_unlock(&unlocked);
    bine_lock(&unlocked);
    bine_unlock(&unlocked);
    bine_yield();
    bine_future(int) started = bine_async(compute);
    CHECK(started);
    CHECK_EQ(bine_await(started), 11);
}

static int run(bine_future(int) ended)
{
    CHECK_EQ(bine_sleep_until(BINE_NEVER), -ECANCELED);
    for (int i = 0; i < 10; i++) {
        check_waits_fail(ended);
        check_others_work();
    }
    CHECK_EQ(bine_await(ended), 11);
    return 0;
}

int main(void)
{
    bine_event_set(&set);
    bine_future(int) ended = bine_async(compute);
    CHECK(ended);
    CHECK_EQ(bine_await_any(&ended, 1), 0);
    bine_future(int) cancelled = bine_async(run, ended);
    CHECK(cancelled);
    bine_cancel(cancelled);
    bine_cancel(cancelled); /* twice is once */
    CHECK_EQ(bine_await(cancelled), 0);
    return 0;
}
