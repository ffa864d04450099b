/*
 * In the child of a fork the tasks of a scope are left behind, like all others: closing it does not
 * wait for them, and it takes new ones. What is around the caller still counts.
 */
/* test: plain */
#include "test_support/child.h"
#include <bine/scope.h>

static bine_event never_set, in_child;

static void wait_for_ever(void)
{
    bine_event_wait(&never_set);
}

static _Noreturn void use_in_child(bine_scope *scope)
{
    CHECK_EQ(bine_check(), 0);
    BINE_SHIELDED
    {
        CHECK_EQ(bine_check(), 0);
    }
    CHECK_EQ(bine_scope_close(scope), 0);
    CHECK_EQ(bine_check(), 0);
    bine_scope_open(scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(scope, bine_event_set, &in_child), 0);
    CHECK_EQ(bine_event_wait(&in_child), 0);
    CHECK_EQ(bine_scope_close(scope), 0);
    _exit(0);
}

static int fork_in_scope(void)
{
    bine_scope outer, scope;
    bine_scope_open(&outer, bine_after(BINE_S(1000)));
    bine_scope_open(&scope, BINE_NEVER);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    bine_yield();
    pid_t pid = fork();
    if (pid == 0) {
        test_start_watchdog();
        use_in_child(&scope);
    }
    child_join(pid);
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(bine_scope_close(&outer), 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(fork_in_scope(), 0);
        CHECK_EQ(bine_run(fork_in_scope), 0);
    }
    return 0;
}
