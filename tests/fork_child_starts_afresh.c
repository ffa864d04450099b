/*
 * After fork() the child has one plain thread and a runtime that starts afresh, whether a plain
 * thread or a task forked, while tasks ran and waited; the parent goes on undisturbed. (The
 * sanitizers' own runtimes do not survive a fork of a process with threads.)
 */
/* test: plain */
#include "test_support/child.h"
#include "test_support/process.h"

enum { TASKS = 200, FORKS = 20 };

static bine_event never_set;
static bine_waitgroup group;
static _Atomic bool stop;

static int fib(int n)
{
    if (n < 2)
        return n;
    bine_future(int) left = bine_async(fib, n - 1);
    CHECK(left);
    int right = fib(n - 2);
    return bine_await(left) + right;
}

static void sleep_and_be_done(void)
{
    CHECK_EQ(bine_sleep(BINE_US(200)), 0);
    bine_waitgroup_done(&group);
}

static void wait_for_event(bine_event *event)
{
    CHECK_EQ(bine_event_wait(event), 0);
}

static void keep_busy(void)
{
    while (!stop)
        if (bine_sleep(BINE_US(30)) != 0)
            bine_yield();
}

/* What waits in the child is counted there, whatever memory its thread had for tasks before. */
static void check_is_seen(void)
{
    static bine_event event;
    bine_stats stats;
    CHECK_EQ(bine_go(wait_for_event, &event), 0);
    do
        bine_stats_get(&stats, sizeof(stats));
    while (stats.parked_tasks != 1);
    bine_event_set(&event);
}

/* In the child, which has this thread only. */
__attribute__((noreturn)) static void use_afresh(void)
{
    test_start_watchdog();
    CHECK_EQ(bine_id(), 0);
    CHECK_EQ(bine_worker(), -1);
    CHECK_EQ(bine_check(), 0);
    check_is_seen();
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    CHECK_EQ(bine_run(fib, 12), 144);
    memset(&group, 0, sizeof(group));
    for (int i = 0; i < TASKS; i++) {
        bine_waitgroup_add(&group, 1);
        CHECK_EQ(bine_go(sleep_and_be_done), 0);
    }
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(bine_pool_close(NULL), 0);
    _exit(0);
}

static int fork_and_join(void)
{
    pid_t pid = fork();
    if (pid == 0)
        use_afresh();
    child_join(pid);
    return 0;
}

int main(void)
{
    fork_and_join(); /* before any use */
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(bine_go(keep_busy), 0);
        CHECK_EQ(bine_go(wait_for_event, &never_set), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        fork_and_join();
        CHECK_EQ(bine_run(fork_and_join), 0);
        CHECK_EQ(bine_run(fib, 10), 55);
    }
    stop = true;
    bine_event_set(&never_set);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    return 0;
}
