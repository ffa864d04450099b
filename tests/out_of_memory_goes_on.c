/*
 * When address space ends, starting a task fails with -ENOMEM (or NULL), and the program goes on:
 * what was started runs to its end, and then there is room again.
 */
/* test: plain alone */
#include "test_support/child.h"
#include "test_support/process.h"

enum { MORE_KIB = 64 * 1024, MOST_TASKS = 20000000 };

static bine_event event;
static _Atomic long ended;

static void wait_for_event(void)
{
    CHECK_EQ(bine_event_wait(&event), 0);
    ended++;
}

static int compute(int number)
{
    return number;
}

static void limit_address_space(void)
{
    long used = process_read_kib("/proc/self/status", "VmSize");
    struct rlimit limit = {(rlim_t)(used + MORE_KIB) * 1024, RLIM_INFINITY};
    CHECK(used > 0);
    CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

/* Returns how many it could start. */
static long start_until_refused(void)
{
    long started = 0;
    int result;
    while ((result = bine_go(wait_for_event)) == 0 && started < MOST_TASKS)
        started++;
    CHECK_EQ(result, -ENOMEM);
    errno = 0;
    bine_future(void) refused = bine_async(wait_for_event);
    if (refused) { /* another one has given some back */
        bine_drop(refused);
        started++;
    } else {
        CHECK_EQ(errno, ENOMEM);
    }
    return started;
}

static void fill_and_drain(void)
{
    ended = 0;
    bine_event_clear(&event);
    long started = start_until_refused();
    CHECK(started > 100);
    bine_event_set(&event);
    EVENTUALLY(ended == started);
    for (int i = 0; i < 1000; i++) {
        bine_future(int) future = bine_async(compute, i);
        CHECK(future);
        CHECK_EQ(bine_await(future), i);
    }
}

static int fill_in_task(void)
{
    fill_and_drain();
    return 0;
}

static int run_child(void)
{
    CHECK_EQ(bine_run(compute, 5), 5);
    limit_address_space();
    fill_and_drain();
    CHECK_EQ(bine_run(fill_in_task), 0);
    fill_and_drain();
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return run_child();
    CHECK_PASSED(child_run("limited"));
    return 0;
}
