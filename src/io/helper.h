/* Threads for the calls that can only be made blocking: files, names. */
#ifndef BINE_IO_HELPER_H
#define BINE_IO_HELPER_H

#include "sched/park.h"

/*
 * A job for a helper thread. It lives in the memory of who waits for it, or, where the waiting may
 * end first, in memory of its own, with helper_run_detached().
 */
struct job {
    void (*run)(struct job *job);     /* on the helper thread */
    void (*discard)(struct job *job); /* frees it where nobody waits any more; detached ones only */
    struct job *next;                 /* protected by the helpers' lock */
    struct spinlock lock;             /* protects the four below */
    bool done;
    bool abandoned; /* nobody waits */
    bool detached;
    struct wait *wait; /* who waits; NULL: not yet, or not any more */
};

/*
 * Runs the job on a helper thread and waits for its end, whatever happens: for jobs that use the
 * caller's memory. A plain thread runs it itself. `what`: for the dump.
 */
void helper_run(struct job *job, const char *what);

/*
 * The same, but a deadline or cancellation around the caller may end the waiting. 0: done, and the
 * job is the caller's; -ECANCELED, -ETIMEDOUT: it goes on, and `discard` will be called.
 */
int helper_run_detached(struct job *job, const char *what);

#endif
