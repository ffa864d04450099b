/* A wait for a condition that is cancelled, or whose time is over, fails with the mutex locked; one
 * that has been signalled before does not. */
#include "test_support/line.h"

static bine_mutex mutex;
static bine_cond cond;
static _Atomic bool go_on;

static void check_held(void)
{
    CHECK_EQ(bine_try_lock(&mutex), -EAGAIN);
}

static int wait_locked(bine_time deadline)
{
    bine_lock(&mutex);
    int result = bine_cond_wait_until(&cond, &mutex, deadline);
    check_held();
    bine_unlock(&mutex);
    return result;
}

static int wait_when_told(void)
{
    EVENTUALLY(go_on);
    return wait_locked(BINE_NEVER);
}

static int wait_shielded(void)
{
    int result = -1;
    BINE_SHIELDED
    {
        result = wait_locked(BINE_NEVER);
    }
    return result;
}

static void check_deadlines(void)
{
    CHECK_EQ(wait_locked(BINE_NOW), -EAGAIN);
    CHECK_EQ(wait_locked(bine_now()), -ETIMEDOUT);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(wait_locked(deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);
    CHECK_EQ(line_length(&cond), 0);
}

static void check_cancel(void)
{
    go_on = false;
    bine_future(int) before = bine_async(wait_when_told);
    bine_future(int) waiting = bine_async(wait_locked, BINE_NEVER);
    CHECK(before && waiting);
    bine_cancel(before);
    go_on = true;
    CHECK_EQ(bine_await(before), -ECANCELED);
    line_until(&cond, 1);
    bine_cancel(waiting);
    CHECK_EQ(bine_await(waiting), -ECANCELED);
    CHECK_EQ(line_length(&cond), 0);
}

/* Signalled, it waits for the mutex: a cancel or deadline that comes now is too late. */
static void check_signal_is_not_undone(void)
{
    bine_future(int) waiters[2], shielded;
    bine_time deadline = bine_after(BINE_MS(300));
    CHECK((waiters[0] = bine_async(wait_locked, BINE_NEVER)));
    line_until(&cond, 1);
    CHECK((waiters[1] = bine_async(wait_locked, deadline)));
    line_until(&cond, 2);
    CHECK((shielded = bine_async(wait_shielded)));
    line_until(&cond, 3);
    bine_lock(&mutex);
    bine_cond_signal(&cond);
    bine_cond_signal(&cond);
    bool in_time = bine_now() < deadline;
    bine_cancel(waiters[0]);
    bine_cancel(waiters[1]);
    bine_cancel(shielded);
    while (bine_now() < deadline)
        bine_sleep_until(deadline);
    bine_unlock(&mutex);
    CHECK_EQ(bine_await(waiters[0]), 0);
    int second = bine_await(waiters[1]);
    if (in_time) /* it had been signalled before its deadline */
        CHECK_EQ(second, 0);
    bine_cond_broadcast(&cond);
    CHECK_EQ(bine_await(shielded), 0);
}

static int check_all(void)
{
    check_deadlines();
    check_cancel();
    check_signal_is_not_undone();
    return 0;
}

int main(void)
{
    check_all();
    CHECK_EQ(bine_run(check_all), 0);
    return 0;
}
