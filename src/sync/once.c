/*
 * Once: two words. The first is one of
 *
 *      0                                                            nobody came yet
 *      record of who runs the function | LIST_WAITERS | LIST_LOCKED
 *      DONE
 *
 * 1. The list has waiters only while the function runs. Who joins it takes LIST_LOCKED in the same
 *    exchange that sees it run.
 * 2. Storing DONE, the waiters taken out before, is the runner's last touch; a waiter's is its
 *    commit. So whoever finds that it has run may free the object once nobody else is to call.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>

enum { ONCE_DONE = 1 << LIST_BITS, ONCE_FLAGS = CACHE_LINE - 1 };

struct once {
    struct waitline line;
};
_Static_assert(sizeof(struct once) == sizeof(bine_once), "two words");

static uintptr_t runner_of(uintptr_t word)
{
    return word & ~(uintptr_t)ONCE_FLAGS;
}

static void finish(struct once *once, uintptr_t self)
{
    uintptr_t word = self;
    /* release, twice: pairs with the acquire of who finds it done. */
    if (atomic_compare_exchange_strong_explicit(&once->line.word, &word, ONCE_DONE,
                                                memory_order_release, memory_order_relaxed))
        return;
    waitlist_lock(&once->line.word);
    struct wait *claimed = waitlist_claim_all(&once->line.list);
    atomic_store_explicit(&once->line.word, ONCE_DONE, memory_order_release);
    waitlist_resume_all(claimed);
}

/* Takes the list's lock, if the function runs; false if it has run. */
static bool lock_list_while_it_runs(struct once *once)
{
    struct backoff backoff = {0};
    /* acquire, twice: pairs with the release in finish(). */
    uintptr_t word = atomic_load_explicit(&once->line.word, memory_order_acquire);
    while (runner_of(word)) {
        if (word & LIST_LOCKED)
            backoff_pause(&backoff);
        else if (atomic_compare_exchange_weak_explicit(&once->line.word, &word, word | LIST_LOCKED,
                                                       memory_order_acquire, memory_order_relaxed))
            return true;
        word = atomic_load_explicit(&once->line.word, memory_order_acquire);
    }
    return false;
}

static void wait_until_it_has_run(struct once *once)
{
    struct wait wait;
    wait_begin_firm(&wait, "once", once, BINE_NEVER);
    if (!lock_list_while_it_runs(once)) {
        wait_abandon(&wait);
        return;
    }
    waitlist_append(&once->line.list, &wait);
    wait_park(&wait, waitline_commit);
}

void bine_once_do(bine_once *object, void (*fn)(void))
{
    struct once *once = (struct once *)object;
    uintptr_t word = atomic_load_explicit(&once->line.word, memory_order_acquire);
    if (likely(word == ONCE_DONE))
        return;
    worker_heed_budget_here();
    uintptr_t self = (uintptr_t)run_self()->task;
    word = 0;
    if (atomic_compare_exchange_strong_explicit(&once->line.word, &word, self, memory_order_acquire,
                                                memory_order_acquire)) {
        fn();
        finish(once, self);
    } else if (runner_of(word) == self) {
        fatal_misuse("bine_once_do", "called again by the function that it runs");
    } else if (word != ONCE_DONE) {
        wait_until_it_has_run(once);
    }
}
