/*
 * Barrier: three words. The first is
 *
 *      number of those that have arrived | LIST_WAITERS | LIST_LOCKED
 *
 * 1. All that have arrived stand in the list, but for the last: it takes them out, stores 0 and so
 *    begins the next round. That store is the last touch of the barrier in this round, and only
 *    after it the others are resumed; they do not touch it again.
 * 2. The number changes only with the list locked.
 */
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>

enum { ARRIVED = 1 << LIST_BITS };

struct barrier {
    struct waitline line;
    uintptr_t parties;
};
_Static_assert(sizeof(struct barrier) == sizeof(bine_barrier), "three words");

static struct barrier *barrier_of(bine_barrier *barrier)
{
    return (struct barrier *)barrier;
}

/* List locked. */
static void end_round(struct barrier *barrier, struct wait *last)
{
    struct wait *claimed = waitlist_claim_all(&barrier->line.list);
    atomic_store_explicit(&barrier->line.word, 0, memory_order_release);
    wait_abandon(last);
    waitlist_resume_all(claimed);
}

void bine_barrier_init(bine_barrier *object, unsigned parties)
{
    struct barrier *barrier = barrier_of(object);
    atomic_init(&barrier->line.word, 0);
    barrier->line.list.first = NULL;
    barrier->parties = parties;
}

int bine_barrier_wait(bine_barrier *object)
{
    struct barrier *barrier = barrier_of(object);
    struct wait wait;
    worker_heed_budget_here();
    if (barrier->parties <= 1)
        return 1;
    wait_begin_firm(&wait, "barrier", barrier, BINE_NEVER);
    uintptr_t before = waitlist_lock(&barrier->line.word) / ARRIVED;
    if (before + 1 == barrier->parties) {
        end_round(barrier, &wait);
        return 1;
    }
    atomic_fetch_add_explicit(&barrier->line.word, ARRIVED, memory_order_relaxed);
    waitlist_append(&barrier->line.list, &wait);
    wait_park(&wait, waitline_commit);
    return 0;
}
