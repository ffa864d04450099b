/*
 * In the child of a fork(2), by a thread or a task that has forked calls before, while others do so:
 * trees are computed as ever, and a parent's children that nobody had taken are joined there, too. (The
 * sanitizers' own runtimes do not survive a fork of a process with threads.)
 */
/* test: plain */
#include "test_support/child.h"
#include <bine/parallel.h>

enum { FORKS = 8 };

static _Atomic bool stop;

static long fib(long n)
{
    if (n < 2)
        return n;
    bine_child(long) left;
    bine_fork(&left, fib, n - 1);
    long right = fib(n - 2);
    return bine_join(&left) + right;
}

static int compute(void)
{
    CHECK_EQ(fib(20), 6765);
    return 0;
}

static int keep_computing(void)
{
    while (!stop) {
        compute();
        bine_yield();
    }
    return 0;
}

static void *keep_computing_in_thread(void *unused)
{
    keep_computing();
    return unused;
}

static int fork_process(void)
{
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        test_start_watchdog();
        compute();
        CHECK_EQ(bine_run(compute), 0);
        compute();
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    return 0;
}

static int five(void)
{
    return 5;
}

/* With one worker nobody takes them. */
static int fork_process_with_children(void)
{
    bine_child(int) a, b;
    bine_fork(&a, five);
    bine_fork(&b, five);
    pid_t pid = fork();
    CHECK(pid >= 0);
    int sum = bine_join(&b) + bine_join(&a);
    if (pid == 0)
        _exit(sum);
    CHECK_EQ(sum, 10);
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 10);
    return 0;
}

int main(void)
{
    fork_process();
    compute();
    fork_process();
    if (test_workers_wanted() == 1)
        CHECK_EQ(bine_run(fork_process_with_children), 0);
    bine_future(int) task = bine_async(keep_computing);
    CHECK(task);
    pthread_t thread = test_thread(keep_computing_in_thread, NULL);
    for (int i = 0; i < FORKS; i++) {
        fork_process();
        CHECK_EQ(bine_run(fork_process), 0);
    }
    stop = true;
    test_join(thread);
    CHECK_EQ(bine_await(task), 0);
    return 0;
}
