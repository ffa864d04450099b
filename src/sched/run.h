/* Calling a task's function, in the frame of the loop or of who awaits it. */
#ifndef BINE_SCHED_RUN_H
#define BINE_SCHED_RUN_H

#include "sched/worker.h"
#include <string.h>

/* The loop's way to run a fresh task, whose start has been claimed: on this stack, which the loop
 * owns. May return on another worker. */
void run_fresh(struct worker *worker, struct task *task, struct stack *stack);

/* Moves the thread's exception state out of the way. */
static inline void stash_exceptions(struct worker *worker, uintptr_t stash[2])
{
    stash[0] = 0;
    if (likely(!worker->exceptions_at || !(worker->exceptions_at[0] | worker->exceptions_at[1])))
        return;
    memcpy(stash, worker->exceptions_at, 2 * sizeof *stash);
    memset(worker->exceptions_at, 0, 2 * sizeof *stash);
    stash[0] |= 1; /* a pointer's lowest bit: something is stashed */
}

static inline void restore_exceptions(struct worker *worker, const uintptr_t stash[2])
{
    if (likely(!stash[0]))
        return;
    worker->exceptions_at[0] = stash[0] & ~(uintptr_t)1;
    worker->exceptions_at[1] = stash[1];
}

#endif
