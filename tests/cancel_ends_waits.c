/* Cancelling a task ends the wait it stands in, of every kind that can be ended, at any moment. */
#include "test.h"

enum { ROUNDS = 60 };

static bine_event never_set;
static bine_waitgroup never_done;
static bine_mutex held;
static bine_pool *busy; /* has never_ends, and nothing else */
static bine_future(int) never_ends;
static _Atomic int about_to_wait;

static int wait_in_sleep(void)
{
    return bine_sleep(BINE_S(1000));
}

static int wait_in_endless_sleep(void)
{
    return bine_sleep_until(BINE_NEVER);
}

static int wait_for_event(void)
{
    return bine_event_wait(&never_set);
}

static int wait_for_event_until(void)
{
    return bine_event_wait_until(&never_set, bine_after(BINE_S(1000)));
}

static int wait_for_group(void)
{
    return bine_waitgroup_wait(&never_done);
}

static int wait_for_group_until(void)
{
    return bine_waitgroup_wait_until(&never_done, bine_after(BINE_S(1000)));
}

static int wait_for_lock(void)
{
    return bine_lock_until(&held, BINE_NEVER);
}

static int wait_for_lock_until(void)
{
    return bine_lock_until(&held, bine_after(BINE_S(1000)));
}

static int wait_for_future(void)
{
    int result;
    return bine_await_until(never_ends, &result, BINE_NEVER);
}

static int wait_for_any(void)
{
    bine_future(int) futures[] = {NULL, never_ends, NULL};
    return bine_await_any(futures, 3);
}

static int wait_for_any_until(void)
{
    return bine_await_any_until(&never_ends, 1, bine_after(BINE_S(1000)));
}

static int wait_for_pool(void)
{
    return bine_pool_wait(busy);
}

static int wait_in(int (*wait)(void))
{
    about_to_wait++;
    return wait();
}

/* Cancels at different distances from the start of the wait: before it, on its way, and inside. */
static void check_wait(int (*wait)(void))
{
    for (int i = 0; i < ROUNDS; i++) {
        about_to_wait = 0;
        bine_future(int) waiter = bine_async(wait_in, wait);
        CHECK(waiter);
        if (i > 0)
            while (about_to_wait == 0)
                sched_yield();
        test_spin((unsigned)i * 200);
        if (i % 10 == 9)
            test_until_parked(2); /* it, and never_ends */
        bine_cancel(waiter);
        CHECK_EQ(bine_await(waiter), -ECANCELED);
    }
}

int main(void)
{
    int (*const waits[])(void) = {
        wait_in_sleep,  wait_in_endless_sleep, wait_for_event,  wait_for_event_until,
        wait_for_group, wait_for_group_until,  wait_for_lock,   wait_for_lock_until,
        wait_for_any,   wait_for_any_until,    wait_for_future, wait_for_pool,
    };
    CHECK_EQ(bine_pool_open(&busy, &(bine_pool_options){.workers = 1}), 0);
    never_ends = bine_pool_async(busy, wait_for_event);
    CHECK(never_ends);
    bine_waitgroup_add(&never_done, 1);
    bine_lock(&held);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        check_wait(waits[i]);
    bine_unlock(&held); /* no cancelled waiter was left in the line, or took it */
    CHECK_EQ(bine_try_lock(&held), 0);
    bine_unlock(&held);
    bine_waitgroup_done(&never_done);
    bine_event_set(&never_set);
    CHECK_EQ(bine_await(never_ends), 0);
    CHECK_EQ(bine_pool_close(busy), 0);
    return 0;
}
