/*
 * With a limit no more of the scope's tasks are started and not ended: starting waits for room, by
 * tasks and plain threads, until there is some, or the scope or the caller is cancelled or late.
 */
#include "test.h"
#include <bine/scope.h>

enum { TASKS = 300 };

static _Atomic int live, most, ended;
static bine_event never_set, go_on;

static void count(void)
{
    int now = ++live, before = most;
    while (now > before && !__atomic_compare_exchange_n((int *)&most, &before, now, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    if (now % 2)
        CHECK_EQ(bine_sleep(1000), 0);
    live--;
    ended++;
}

/* A task that adds others needs room beside its own. */
static int add(bine_scope *scope, int tasks)
{
    for (int i = 0; i < tasks; i++)
        CHECK_EQ(bine_scope_go(scope, count), 0);
    return 0;
}

static void check_count(unsigned limit)
{
    bine_scope scope;
    most = ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    bine_scope_limit(&scope, limit);
    CHECK_EQ(add(&scope, TASKS), 0);
    if (limit > 2) {
        CHECK_EQ(bine_scope_go(&scope, add, &scope, TASKS), 0);
        CHECK_EQ(bine_scope_go(&scope, add, &scope, TASKS), 0);
    }
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(ended, limit > 2 ? 3 * TASKS : TASKS);
    CHECK(most >= 1 && most <= (int)limit);
}

static void wait_for_ever(void)
{
    bine_event_wait(&never_set);
}

static void wait_shielded(void)
{
    BINE_SHIELDED
    {
        CHECK_EQ(bine_event_wait(&go_on), 0);
    }
}

static void *cancel_soon(void *scope)
{
    test_until_parked(1); /* and a moment for who waits for room */
    bine_scope_cancel(scope, -EXDEV);
    bine_event_set(&go_on);
    return NULL;
}

/* The wait for room ends with the scope, though there is no room. */
static void check_cancelled(void)
{
    bine_scope scope;
    bine_event_clear(&go_on);
    bine_scope_open(&scope, BINE_NEVER);
    bine_scope_limit(&scope, 1);
    CHECK_EQ(bine_scope_go(&scope, wait_shielded), 0);
    pthread_t thread = test_thread(cancel_soon, &scope);
    CHECK_EQ(bine_scope_go(&scope, count), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
    test_join(thread);
}

static void check_deadline(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    bine_scope_limit(&scope, 1);
    CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
    BINE_WITHIN (BINE_MS(1)) {
        CHECK_EQ(bine_scope_go(&scope, count), -ETIMEDOUT);
    }
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
}

static void *wait_for_room_outside(void *scope)
{
    CHECK_EQ(bine_scope_go((bine_scope *)scope, count), -ECANCELED);
    return NULL;
}

/* Who is not inside, and could wait on, is refused as well; those who wait are served in turn. */
static void check_outside(void)
{
    bine_scope scope;
    pthread_t threads[3];
    bine_event_clear(&go_on);
    bine_scope_open(&scope, BINE_NEVER);
    bine_scope_limit(&scope, 1);
    CHECK_EQ(bine_scope_go(&scope, wait_shielded), 0);
    for (int i = 0; i < 3; i++)
        threads[i] = test_thread(wait_for_room_outside, &scope);
    test_until_parked(1);
    bine_scope_cancel(&scope, -EXDEV);
    for (int i = 0; i < 3; i++)
        test_join(threads[i]);
    bine_event_set(&go_on);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
}

static int fail(void)
{
    return -EBADMSG;
}

/* The place of a task that fails is nobody's. */
static void check_error(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    bine_scope_limit(&scope, 1);
    CHECK_EQ(bine_scope_go(&scope, fail), 0);
    CHECK_EQ(bine_scope_go(&scope, count), -ECANCELED);
    CHECK_EQ(bine_scope_close(&scope), -EBADMSG);
}

static int check_all(void)
{
    check_count(1);
    check_count(2);
    check_count(5);
    check_count(1000);
    check_cancelled();
    check_outside();
    check_deadline();
    check_error();
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(20); i++) {
        CHECK_EQ(check_all(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
