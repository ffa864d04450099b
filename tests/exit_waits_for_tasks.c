/*
 * Who waits in a destructor for what a task brings about is served: by a task that was there, or one
 * that it starts; the process in exit() by a plain thread or by a task. Before and after that no task
 * goes on.
 */
#include "test_support/child.h"
#include "test_support/outside.h"

enum { STATUS = 5 };

static char mode;
static bine_future(int) future;
static bine_event asked;
static bine_waitgroup group;

static int answer(void)
{
    CHECK_EQ(bine_event_wait(&asked), 0);
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    bine_waitgroup_done(&group);
    return STATUS;
}

static int sleep_a_little(void)
{
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    return STATUS;
}

static void check_stopped(void)
{
    int before = outside;
    CHECK_EQ(bine_sleep(BINE_MS(2)), 0);
    outside_check_stopped(before);
}

static void wait_for_task(void)
{
    int result = STATUS;
    bine_event_set(&asked);
    switch (mode) {
    case 'a':
        result = bine_await(future);
        break;
    case 'u':
        CHECK_EQ(bine_await_until(future, &result, bine_after(BINE_S(1000))), 0);
        break;
    case 'w':
        CHECK_EQ(bine_waitgroup_wait(&group), 0);
        break;
    default:
        result = bine_run(sleep_a_little);
        break;
    }
    CHECK_EQ(result, STATUS);
}

/* After what atexit() was given. */
__attribute__((destructor)) static void destroy(void)
{
    if (!mode)
        return;
    check_stopped();
    wait_for_task();
    check_stopped();
    dprintf(2, "served");
}

static int run_child(const char *modes)
{
    mode = modes[0];
    bine_waitgroup_add(&group, 1);
    outside_start();
    future = bine_async(answer);
    CHECK(future);
    if (modes[1] == 't') {
        CHECK_EQ(bine_go(exit, STATUS), 0);
        pause();
    }
    return STATUS;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return run_child(argv[1]);
    const char *const modes[] = {"a", "u", "w", "r", "at", "ut", "wt", "rt"};
    for (int i = 0; i < 16; i++) {
        struct child *child = child_run(modes[i % 8]);
        if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != STATUS ||
            strcmp(child->said, "served") != 0) {
            child_show(child);
            CHECK(!"the child did not end as it should");
        }
    }
    return 0;
}
