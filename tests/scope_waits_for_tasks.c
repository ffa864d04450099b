/* A scope ends only after every task started in it has ended, those started by its tasks, too. */
#include "test.h"
#include <bine/scope.h>

enum { TASKS = 40, DEPTH = 5 };

static _Atomic int ended;

static void sleep_and_count(int i)
{
    CHECK_EQ(bine_sleep(BINE_US(i * 10)), 0);
    ended++;
}

static void count(void)
{
    ended++;
}

/* A task that adds others, each of which adds others, and ends before them. */
static int spread(bine_scope *scope, int depth)
{
    for (int i = 0; i < 2 && depth > 0; i++)
        CHECK_EQ(bine_scope_go(scope, spread, scope, depth - 1), 0);
    if (depth % 2)
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    ended++;
    return 0;
}

static int check_all(void)
{
    bine_scope scope;
    ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_scope_go(&scope, sleep_and_count, i), 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(ended, TASKS);

    ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_scope_go(&scope, count), 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(ended, TASKS);

    ended = 0;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, spread, &scope, DEPTH), 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    CHECK_EQ(ended, (1 << (DEPTH + 1)) - 1);

    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_close(&scope), 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(100); i++) {
        CHECK_EQ(check_all(), 0); /* by a plain thread */
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
