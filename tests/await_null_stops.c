/* Awaiting NULL stops the program with a message that names the call. */
#include "test_support/child.h"

static void await_null(void)
{
    bine_future(int) none = NULL;
    bine_await(none);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        CHECK_STOPPED(child_run("thread"), "bine_await");
        CHECK_STOPPED(child_run("task"), "bine_await");
        return 0;
    }
    if (strcmp(argv[1], "thread") == 0)
        await_null();
    bine_future(void) task = bine_async(await_null);
    bine_await(task);
    return 0;
}
