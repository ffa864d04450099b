/* Nothing unwinds out of a task: an exception that nobody catches ends the program, as out of a thread, and
 * what pthread_exit() does is a misuse. */
#include "test_support/child.h"
#include <stdexcept>
#include <unwind.h>

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

static _Unwind_Reason_Code go_on(int, _Unwind_Action, _Unwind_Exception_Class, struct _Unwind_Exception *,
                                 struct _Unwind_Context *, void *)
{
    return _URC_NO_REASON;
}

/* As pthread_exit(), which the thread sanitizer knows only on a thread's own stack. */
static void unwind_all(void)
{
    static struct _Unwind_Exception exception;
    _Unwind_ForcedUnwind(&exception, go_on, NULL);
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
        void (*fn)(void) = strcmp(argv[1], "alone") == 0     ? throw_out
                           : strcmp(argv[1], "awaited") == 0 ? await_in_try
                                                             : unwind_all;
        bine_task_await_(bine_task_async_(NULL, call_of(fn)));
        return 0;
    }
    const char *const modes[] = {"alone", "awaited", "forced"};
    for (const char *mode : modes) {
        struct child *child = child_run(mode);
        bool throws = strcmp(mode, "forced") != 0;
        /* As the C++ library says it, and what it was. */
        CHECK_STOPPED(child, throws ? "nobody catches this" : "pthread_exit leaves a task");
        CHECK(WIFSIGNALED(child->status));
    }
    return 0;
}
