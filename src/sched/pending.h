/*
 * Signals that were sent to one thread, which masks them: only that thread can see them. A worker
 * masks all, so what a task raises is such a signal; and a plain thread may mask what it likes.
 */
#ifndef BINE_SCHED_PENDING_H
#define BINE_SCHED_PENDING_H

#include "base/compiler.h"
#include <stdatomic.h>
#include <stdint.h>

/* From now on threads look for signals of this set, where bit 0 is signal 1, and tell each they find
 * to `tell`, which must be fit for a signal handler. An empty set ends it. */
void pending_watch(uint64_t set, void (*tell)(int number));

extern _Atomic uint64_t pending_set;
void pending_look(int64_t now);

/* The calling thread looks for its own, at most once in a while. `now`: ns on the clock; INT64_MAX:
 * it is about to sleep, and looks in any case. */
static inline void pending_take(int64_t now)
{
    /* relaxed: who sends a signal to a thread, and then waits, does so after the channel was made,
     * and on that thread or before a wake that orders it. */
    if (unlikely(atomic_load_explicit(&pending_set, memory_order_relaxed) != 0))
        pending_look(now);
}

#endif
