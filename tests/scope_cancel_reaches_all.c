/*
 * Cancelling goes down all the way: through deep trees of tasks and scopes, to each of very many
 * tasks, from a task's future into the scopes that it has opened, and from a pool's close into the
 * scopes of its tasks, on other pools too.
 */
#include "test.h"
#include <bine/scope.h>

enum { DEPTH = 2000, MANY = 100000 };

static bine_event never_set;
static _Atomic int waiting, ended;
static bine_pool *pool, *other_pool;

static int wait_for_ever(void)
{
    waiting++;
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    CHECK_EQ(bine_check(), -ECANCELED);
    ended++;
    return 0;
}

/* Each task opens a scope with one task more in it. */
static int descend(int depth)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    if (depth > 0)
        CHECK_EQ(bine_scope_go(&scope, descend, depth - 1), 0);
    else
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    CHECK_EQ(bine_scope_close(&scope), -ECANCELED);
    ended++;
    return 0;
}

/* A scope in a scope in a scope of one task. */
static void nest(int depth)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    if (depth > 0) {
        nest(depth - 1);
    } else {
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
        CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    }
    CHECK_EQ(bine_scope_close(&scope), -ECANCELED);
}

static int nest_in_task(void)
{
    nest(TEST_SANITIZED ? 10 : 100);
    return 0;
}

static int check_deep(void)
{
    bine_scope scope;
    int depth = test_scaled(DEPTH);
    waiting = ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, descend, depth), 0);
    CHECK_EQ(bine_scope_go(&scope, nest_in_task), 0);
    EVENTUALLY(waiting == 2);
    bine_scope_cancel(&scope, -EXDEV);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
    CHECK_EQ(ended, depth + 3);
    return 0;
}

static int check_many(void)
{
    bine_scope scope;
    int many = test_scaled(MANY);
    waiting = ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    for (int i = 0; i < many; i++)
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    EVENTUALLY(waiting > many / 2); /* others have not started yet */
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(ended, many);
    return 0;
}

static int open_two(void)
{
    bine_scope outer, inner;
    bine_scope_open(&outer, BINE_NEVER);
    bine_scope_open(&inner, BINE_NEVER);
    CHECK_EQ(bine_go_with(BINE_OPTIONS(.scope = &outer, .pool = other_pool), wait_for_ever), 0);
    CHECK_EQ(bine_scope_go(&inner, wait_for_ever), 0);
    int result = bine_scope_close(&inner);
    CHECK_EQ(result, -ECANCELED);
    CHECK_EQ(bine_scope_close(&outer), -ECANCELED);
    CHECK_EQ(bine_check(), -ECANCELED);
    return 9;
}

static void check_future(void)
{
    waiting = 0;
    bine_future(int) future = bine_async(open_two);
    EVENTUALLY(waiting == 2);
    bine_cancel(future);
    CHECK_EQ(bine_await(future), 9);
}

static int open_when_cancelled(void)
{
    bine_scope scope;
    while (bine_check() != -ECANCELED)
        bine_yield();
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, wait_for_ever), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -ECANCELED);
    return 9;
}

static void check_pool(void)
{
    CHECK_EQ(bine_pool_open(&pool, NULL), 0);
    waiting = 0;
    bine_future(int) future = bine_pool_async(pool, open_two);
    EVENTUALLY(waiting == 2);
    CHECK_EQ(bine_pool_close_until(pool, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_await(future), 9);
}

int main(void)
{
    CHECK_EQ(bine_pool_open(&other_pool, &(bine_pool_options){.workers = 2}), 0);
    for (int i = 0; i < test_scaled(40); i++) {
        check_future();
        bine_future(int) future = bine_async(open_when_cancelled);
        bine_cancel(future);
        if (i % 2)
            bine_yield();
        CHECK_EQ(bine_await_any(&future, 1), 0);
        CHECK_EQ(bine_await(future), 9);
    }
    check_pool();
    check_deep();
    CHECK_EQ(bine_run(check_deep), 0);
    check_many();
    CHECK_EQ(bine_run(check_many), 0);
    CHECK_EQ(bine_pool_close(other_pool), 0);
    return 0;
}
