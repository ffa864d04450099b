/*
 * A task that overflows its stack stops the program with a message that names the task and says
 * that it was the stack: on a stack of its own, on the default one, and awaited in place.
 */
#include "test_support/child.h"

__attribute__((noinline)) static int recurse(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    int below = depth == INT32_MAX ? 0 : recurse(depth + 1);
    return below + frame[0];
}

static int await_deep(void)
{
    bine_future(int) deep = bine_async_with(BINE_OPTIONS(.name = "deep_diver"), recurse, 0);
    CHECK(deep);
    return bine_await(deep);
}

static int run_child(char mode)
{
    bine_task_options options = {.name = "deep_diver"};
    if (mode == 'o')
        options.stack_size = 256 * 1024;
    if (mode == 'i')
        return bine_run(await_deep);
    bine_future(int) deep = bine_async_with(&options, recurse, 0);
    CHECK(deep);
    return bine_await(deep);
}

int main(int argc, char **argv)
{
    const char *const modes[] = {"d", "o", "i"};
    if (argc > 1)
        return run_child(argv[1][0]);
    for (int i = 0; i < 3; i++) {
        struct child *child = child_run(modes[i]);
        CHECK_STOPPED(child, "deep_diver");
        CHECK_STOPPED(child, "stack");
        CHECK(WIFSIGNALED(child->status) || TEST_SANITIZED);
    }
    return 0;
}
