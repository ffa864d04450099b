/*
 * The first negative result of a task cancels the scope and is what closing it returns: waits of
 * the others, and of the owner, end with -ECANCELED, and nothing can be started in it any more.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;
static _Atomic int waiting, cancelled;

static int wait_for_ever(void)
{
    waiting++;
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    cancelled++;
    return -ENOENT; /* not the first */
}

static int fail(int error, int others)
{
    EVENTUALLY(waiting == others);
    return error;
}

static int succeed(void)
{
    return 7; /* not an error */
}

static void return_nothing(void)
{
}

static int check_error(void)
{
    bine_scope scope;
    waiting = cancelled = 0;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, succeed), 0);
    CHECK_EQ(bine_scope_go(&scope, return_nothing), 0);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_go(&scope, fail, -EBADMSG, 10), 0);
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED); /* the owner's own wait is inside, too */
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_scope_go(&scope, return_nothing), -ECANCELED);
    bine_future(int) future = bine_scope_async(&scope, succeed);
    CHECK(!future && errno == ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -EBADMSG);
    CHECK_EQ(cancelled, 10);
    CHECK_EQ(bine_check(), 0); /* it was the scope that was cancelled, not the caller */
    CHECK_EQ(bine_sleep(1), 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(100); i++) {
        CHECK_EQ(check_error(), 0);
        CHECK_EQ(bine_run(check_error), 0);
    }
    return 0;
}
