/*
 * The result of a task with a future is for who awaits it alone: a negative one does not cancel the
 * scope. Such a task is in the scope all the same: awaited in place, too, its waits end with it.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;

static int give(int result)
{
    return result;
}

static double half(void)
{
    return 0.5;
}

static int wait_for_ever(void)
{
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    return -ECANCELED;
}

static int check_futures(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    bine_future(int) first = bine_scope_async(&scope, give, -EBADMSG);
    bine_future(int) second = bine_scope_async(&scope, give, -ENOENT);
    bine_future(double) third = bine_scope_async(&scope, half);
    bine_drop(bine_scope_async(&scope, give, -EPERM));
    CHECK_EQ(bine_await(first), -EBADMSG);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    int result;
    CHECK_EQ(bine_await_until(second, &result, BINE_NOW), 0); /* it ended before the scope did */
    CHECK_EQ(result, -ENOENT);
    CHECK(bine_await(third) == 0.5);
    return 0;
}

/* Nobody else is there to cancel: the task is run where it is awaited, or beside. */
static void cancel(bine_scope *scope)
{
    bine_scope_cancel(scope, -EXDEV);
}

static int check_in_place(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, cancel, &scope), 0);
    bine_future(int) future = bine_scope_async(&scope, wait_for_ever);
    if (future)
        CHECK_EQ(bine_await(future), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
    return 0;
}

/* A future's task of a cancelled scope has started, so it runs. */
static int check_started_runs(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    bine_future(int) future = bine_scope_async(&scope, give, 17);
    CHECK(future);
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_await(future), 17);
    CHECK_EQ(bine_scope_close(&scope), 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(200); i++) {
        CHECK_EQ(check_futures(), 0);
        CHECK_EQ(check_in_place(), 0);
        CHECK_EQ(check_started_runs(), 0);
        CHECK_EQ(bine_run(check_futures), 0);
        CHECK_EQ(bine_run(check_in_place), 0);
        CHECK_EQ(bine_run(check_started_runs), 0);
    }
    return 0;
}
