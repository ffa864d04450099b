/*
 * A destructor may close a pool: the tasks that are left in it run to their ends, those of other
 * pools do not go on, and the process ends with its status. The same where a task has called
 * exit(), which may sleep there, too.
 */
#include "test_support/child.h"
#include "test_support/outside.h"

enum { STATUS = 5, TASKS = 100 };

static bine_pool *pool;
static bool cancels, in_task;
static _Atomic int ended;

static void end_late(int number)
{
    for (int i = 0; i < number % 10; i++)
        bine_yield();
    int error = bine_sleep(cancels ? BINE_S(1000) : BINE_US(number * 20));
    CHECK_EQ(error, cancels ? -ECANCELED : 0);
    ended++;
}

/* Registered before bine is used, so it runs after bine has been told of the end. */
static void close_pool(void)
{
    int before = outside;
    if (in_task) {
        CHECK_EQ(bine_pool_close(NULL), -EDEADLK);
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    }
    int result =
        cancels ? bine_pool_close_until(pool, bine_after(BINE_MS(5))) : bine_pool_close(pool);
    CHECK_EQ(result, cancels ? -ETIMEDOUT : 0);
    CHECK_EQ(ended, TASKS);
    outside_check_stopped(before);
    dprintf(2, "closed");
}

static int run_child(char mode)
{
    cancels = mode == 'c' || mode == 'C';
    in_task = mode == 'W' || mode == 'C';
    atexit(close_pool);
    outside_start();
    CHECK_EQ(bine_pool_open(&pool, NULL), 0);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_pool_go(pool, end_late, i), 0);
    if (in_task) {
        CHECK_EQ(bine_go(exit, STATUS), 0);
        pause();
    }
    return STATUS;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return run_child(argv[1][0]);
    const char *const modes[] = {"w", "c", "W", "C"};
    for (int i = 0; i < 12; i++) {
        struct child *child = child_run(modes[i % 4]);
        if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != STATUS ||
            strcmp(child->said, "closed") != 0) {
            child_show(child);
            CHECK(!"the child did not end as it should");
        }
    }
    return 0;
}
