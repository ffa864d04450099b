/* What a call that may wait does first, without a call of its own in the common case. */
#ifndef BINE_SCHED_CALL_H
#define BINE_SCHED_CALL_H

#include "sched/park.h"
#include "sched/pool.h"

int call_begin_slowly(void);

/* Heeds the caller's budget; 0, or -ECANCELED or -ETIMEDOUT where its waits fail now. */
static inline int call_begin(void)
{
    const struct worker *worker = worker_self();
    if (likely(worker != NULL)) {
        const struct run *run = worker->run;
        /* Behind a shield, too, where the slow way would find that nothing counts. */
        bool plain = run->deadline == BINE_NEVER && !run->inside &&
                     !task_marked(run->marked, MARK_CANCELLED) &&
                     !atomic_load_explicit(&worker->pool->cancelled, memory_order_relaxed) &&
                     !atomic_load_explicit(&worker->yield_asked, memory_order_relaxed);
        if (likely(plain))
            return 0;
    }
    return call_begin_slowly();
}

#endif
