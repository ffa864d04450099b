/*
 * bine_scope_cancel, by the owner, a task inside or anybody outside: waits inside end with
 * -ECANCELED, nothing more is started, and closing returns its result, unless something came
 * before. With 0 the work is done: errors from then on do not count. Nested scopes return
 * -ECANCELED.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;
static bine_event go_on;

static int wait_for_ever(void)
{
    int result = bine_event_wait(&never_set);
    CHECK_EQ(result, -ECANCELED);
    return result;
}

static int fail_when_told(void)
{
    BINE_SHIELDED
    {
        CHECK_EQ(bine_event_wait(&go_on), 0);
    }
    return -EBADMSG;
}

static int succeed(void)
{
    return 0;
}

static void cancel_twice(bine_scope *scope, int result)
{
    bine_scope_cancel(scope, result);
    bine_scope_cancel(scope, -EINTR); /* not the first */
}

static void *cancel_from_thread(void *scope)
{
    bine_scope_cancel(scope, -EXDEV);
    return NULL;
}

static void check_over(bine_scope *scope)
{
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_sleep(0), -ECANCELED);
    CHECK_EQ(bine_scope_go(scope, succeed), -ECANCELED);
    errno = 0;
    CHECK(!bine_scope_async(scope, succeed));
    CHECK_EQ(errno, ECANCELED);
}

static void check_by_owner(int result)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    cancel_twice(&scope, result);
    check_over(&scope);
    CHECK_EQ(bine_scope_close(&scope), result);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_go(&scope, succeed), -ECANCELED); /* it is closed */
    bine_scope_cancel(&scope, -EINTR);
}

static void check_errors_after_done(void)
{
    bine_scope scope;
    bine_event_clear(&go_on);
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, fail_when_told), 0);
    bine_scope_cancel(&scope, 0);
    bine_event_set(&go_on);
    CHECK_EQ(bine_scope_close(&scope), 0);
}

static void check_error_before_cancel(void)
{
    bine_scope scope;
    bine_event_set(&go_on);
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, fail_when_told), 0);
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_scope_close(&scope), -EBADMSG);
}

static void check_by_task_inside(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    CHECK_EQ(bine_scope_go(&scope, cancel_twice, &scope, -ENOENT), 0);
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -ENOENT);
}

static void check_from_outside(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    pthread_t thread = test_thread(cancel_from_thread, &scope);
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
    test_join(thread);
}

static int open_inner(int *result)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    int error = bine_scope_go(&scope, wait_for_ever);
    CHECK(error == 0 || error == -ECANCELED);
    *result = bine_scope_close(&scope);
    return 0;
}

static void check_nested(void)
{
    bine_scope outer, inner;
    int of_task = 0;
    bine_scope_open(&outer, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&outer, open_inner, &of_task), 0);
    bine_scope_open(&inner, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&inner, wait_for_ever), 0);
    bine_yield();
    bine_scope_cancel(&outer, -ENOENT);
    check_over(&inner);
    CHECK_EQ(bine_scope_close(&inner), -ECANCELED);
    bine_scope_open(&inner, BINE_NEVER); /* in one that is cancelled */
    check_over(&inner);
    CHECK_EQ(bine_scope_close(&inner), -ECANCELED);
    CHECK_EQ(bine_scope_close(&outer), -ENOENT);
    CHECK_EQ(of_task, -ECANCELED);

    bine_scope_open(&outer, BINE_NEVER);
    bine_scope_open(&inner, BINE_NEVER);
    bine_scope_cancel(&inner, -ENOENT); /* does not go up */
    CHECK_EQ(bine_scope_close(&inner), -ENOENT);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_go(&outer, succeed), 0);
    CHECK_EQ(bine_scope_close(&outer), 0);
}

static int check_all(void)
{
    check_by_owner(-EPERM);
    check_by_owner(0);
    check_errors_after_done();
    check_error_before_cancel();
    check_by_task_inside();
    check_from_outside();
    check_nested();
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(60); i++) {
        CHECK_EQ(check_all(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
