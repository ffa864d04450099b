#include "sched/fork.h"

_Atomic(const struct fork_hooks *) fork_hooks;

struct deque fork_no_deque = {
    .head = fork_no_deque.place + 1,
    .tail = fork_no_deque.place + 1,
    .end = fork_no_deque.place + 1,
    .split = (deque_place *)UINTPTR_MAX,
};

__thread struct deque *bine_forks_1_ __attribute__((tls_model("initial-exec"))) = &fork_no_deque;

#if !defined(__x86_64__)
__attribute__((noinline)) struct deque *deque_self(void)
{
    struct deque *deque = bine_forks_1_;
    __asm__ volatile("" : "+r"(deque));
    return deque;
}
#endif
