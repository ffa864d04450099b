/* No exception leaves a task: one that nobody catches ends the program, as out of a thread. */
#include "test_support/child.h"
#include <stdexcept>

static struct bine_call call_of(void (*fn)(void))
{
    struct bine_call call = {};
    call.fn = fn;
    call.result = BINE_RESULT_VOID_;
    return call;
}

extern "C" {

static void throw_out(void)
{
    bine_yield();
    throw std::runtime_error("nobody catches this");
}

/* The thrower may run on this very stack: the catch is another task's all the same. */
static void await_in_try(void)
{
    try {
        bine_task_await_(bine_task_async_(NULL, call_of(throw_out)));
    } catch (...) {
        _exit(0);
    }
}
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        void (*fn)(void) = strcmp(argv[1], "alone") == 0 ? throw_out : await_in_try;
        bine_task_await_(bine_task_async_(NULL, call_of(fn)));
        return 0;
    }
    const char *const modes[] = {"alone", "awaited"};
    for (const char *mode : modes) {
        struct child *child = child_run(mode);
        CHECK_STOPPED(child, "terminat"); /* as the C++ library says it */
        CHECK(WIFSIGNALED(child->status));
    }
    return 0;
}
