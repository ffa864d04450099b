/*
 * A scope's deadline: waits inside end with -ETIMEDOUT, those of inner scopes and of tasks too,
 * nothing can be started any more, and closing returns -ETIMEDOUT if tasks were left then, else 0.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;

static int wait_for_ever(void)
{
    CHECK_EQ(bine_event_wait(&never_set), -ETIMEDOUT);
    CHECK_EQ(bine_check(), -ETIMEDOUT);
    return 0;
}

static int wait_in_inner_scope(void)
{
    bine_scope scope;
    bine_scope_open(&scope, bine_after(BINE_S(1000)));
    int error = bine_scope_go(&scope, wait_for_ever);
    CHECK(error == 0 || (error == -ECANCELED && bine_check() == -ETIMEDOUT));
    CHECK_EQ(bine_scope_close(&scope), error ? 0 : -ETIMEDOUT);
    return 0;
}

static int compute_past(void)
{
    while (bine_check() != -ETIMEDOUT)
        CHECK_EQ(bine_check() == -ECANCELED, 0);
    return 0;
}

static void return_nothing(void)
{
}

/* Opens a scope in which `tasks` are started before its deadline, however slow the machine is. */
static bine_time open_with(bine_scope *scope, int (*const *tasks)(void))
{
    for (bine_time span = BINE_MS(2);; span *= 2) {
        bine_time deadline = bine_after(span);
        int error = 0;
        bine_scope_open(scope, deadline);
        for (int i = 0; tasks[i] && !error; i++)
            error = bine_scope_go(scope, tasks[i]);
        if (!error)
            return deadline;
        CHECK_EQ(error, -ECANCELED);
        CHECK(bine_now() >= deadline);
        bine_scope_close(scope);
    }
}

static int check_waits_end(void)
{
    bine_scope scope;
    open_with(&scope, (int (*[])(void)){wait_for_ever, wait_in_inner_scope, NULL});
    CHECK_EQ(bine_event_wait(&never_set), -ETIMEDOUT);
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ETIMEDOUT);
    CHECK_EQ(bine_scope_go(&scope, return_nothing), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -ETIMEDOUT);
    CHECK_EQ(bine_check(), 0);
    return 0;
}

/* Nobody waits inside when it passes. */
static int check_without_waits(void)
{
    bine_scope scope;
    open_with(&scope, (int (*[])(void)){compute_past, NULL});
    CHECK_EQ(bine_scope_close(&scope), -ETIMEDOUT);

    bine_scope_open(&scope, bine_after(BINE_MS(1)));
    EVENTUALLY(bine_check() == -ETIMEDOUT);
    CHECK_EQ(bine_scope_go(&scope, return_nothing), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), 0); /* no task was left */

    bine_scope_open(&scope, BINE_NOW);
    CHECK_EQ(bine_scope_go(&scope, return_nothing), -ECANCELED);
    CHECK_EQ(bine_sleep(1), -ETIMEDOUT);
    CHECK_EQ(bine_scope_close(&scope), 0);
    return 0;
}

/* The deadline of an outer scope counts for inner ones; tasks left there were left in the outer. */
static int check_nested(void)
{
    bine_scope outer, inner;
    open_with(&outer, (int (*[])(void)){NULL});
    bine_scope_open(&inner, BINE_NEVER);
    int error = bine_scope_go(&inner, wait_for_ever);
    CHECK(error == 0 || error == -ECANCELED);
    CHECK_EQ(bine_scope_close(&inner), error ? 0 : -ETIMEDOUT);
    CHECK_EQ(bine_scope_close(&outer), error ? 0 : -ETIMEDOUT);

    bine_scope_open(&outer, bine_after(BINE_S(1000)));
    open_with(&inner, (int (*[])(void)){wait_for_ever, NULL});
    CHECK_EQ(bine_scope_close(&inner), -ETIMEDOUT);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_close(&outer), 0);
    return 0;
}

static int check_all(void)
{
    check_waits_end();
    check_without_waits();
    check_nested();
    return 0;
}

int main(void)
{
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(check_all(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
