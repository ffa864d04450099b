/*
 * exit() from a task, and a return from main while tasks run, end the process with that status,
 * run what atexit() was given and flush what was printed.
 */
#include "test_support/child.h"

enum { STATUS = 7 };

static int ends[2];

static void say_goodbye(void)
{
    dprintf(2, "goodbye");
}

static void keep_busy(void)
{
    for (;;)
        bine_yield();
}

static void wait_for_ever(void)
{
    bine_sleep_until(BINE_NEVER);
}

static void block(void)
{
    char byte;
    CHECK_EQ(read(ends[0], &byte, 1), 1);
}

static void end_process(int status)
{
    exit(status);
}

static void end_process_awaited(int status)
{
    bine_future(void) child = bine_async(end_process, status);
    bine_await(child); /* perhaps in place */
}

static int run_child(char mode)
{
    atexit(say_goodbye);
    CHECK_EQ(pipe(ends), 0);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(bine_go(keep_busy), 0);
        CHECK_EQ(bine_go(wait_for_ever), 0);
    }
    CHECK_EQ(bine_go(block), 0);
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    if (mode == 'm')
        return STATUS;
    CHECK_EQ(mode == 't' ? bine_go(end_process, STATUS) : bine_go(end_process_awaited, STATUS), 0);
    bine_sleep_until(BINE_NEVER);
    return 1;
}

int main(int argc, char **argv)
{
    const char *const modes[] = {"m", "t", "a"};
    if (argc > 1)
        return run_child(argv[1][0]);
    for (int i = 0; i < 15; i++) {
        struct child *child = child_run(modes[i % 3]);
        if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != STATUS ||
            !strstr(child->said, "goodbye")) {
            child_show(child);
            CHECK(!"the child did not end as it should");
        }
    }
    return 0;
}
