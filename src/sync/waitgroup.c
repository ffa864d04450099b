/*
 * Wait group: two words. The first is
 *
 *      count (upper bits, signed) | LIST_WAITERS | LIST_LOCKED
 *
 * 1. The list has waiters only while the count is above zero.
 * 2. Whoever takes the count to zero with waiters in the list takes them out first, the list's lock
 *    held, and stores the zero and the empty list at once: his last touch of the group, which who
 *    sees the zero may free.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>
#include <errno.h>
#include <limits.h>

enum { ONE = 1 << LIST_BITS };

struct group {
    struct waitline line;
};
_Static_assert(sizeof(struct group) == sizeof(bine_waitgroup), "two words");

static struct group *group_of(bine_waitgroup *group)
{
    return (struct group *)group;
}

static intptr_t count_of(uintptr_t word)
{
    return (intptr_t)word >> LIST_BITS;
}

/* The count has reached zero, all but: wakes everybody. */
static void finish(struct group *group, intptr_t change)
{
    uintptr_t word = waitlist_lock(&group->line.word), after;
    uintptr_t mask = LIST_LOCKED | LIST_WAITERS;
    struct wait *claimed = NULL;
    do { /* others may change the count meanwhile, though not to zero or below */
        if (count_of(word) + change < 0)
            fatal_misuse("bine_waitgroup_add", "the count went below zero");
        if (count_of(word) + change == 0 && group->line.list.first)
            claimed = waitlist_claim_all(&group->line.list);
        after =
            (word & ~mask) + (uintptr_t)change * ONE + (group->line.list.first ? LIST_WAITERS : 0);
    } while (!atomic_compare_exchange_weak_explicit(&group->line.word, &word, after,
                                                    memory_order_release, memory_order_relaxed));
    waitlist_resume_all(claimed);
}

static void change_count(struct group *group, intptr_t change)
{
    uintptr_t word = atomic_load_explicit(&group->line.word, memory_order_relaxed);
    for (;;) {
        intptr_t after = count_of(word) + change;
        if (unlikely(after < 0))
            fatal_misuse(change == -1 ? "bine_waitgroup_done" : "bine_waitgroup_add",
                         "the count went below zero");
        if (unlikely(after == 0 && word % ONE)) {
            finish(group, change);
            return;
        }
        /* release: what was done before is seen by who finds the count at zero. */
        if (likely(atomic_compare_exchange_weak_explicit(
                &group->line.word, &word, word + (uintptr_t)change * ONE, memory_order_release,
                memory_order_relaxed)))
            return;
    }
}

void bine_waitgroup_add(bine_waitgroup *group, long count)
{
    if (count > LONG_MAX >> (LIST_BITS + 1) || count < LONG_MIN >> (LIST_BITS + 1))
        fatal_misuse("bine_waitgroup_add", "the count is out of range");
    change_count(group_of(group), count);
}

void bine_waitgroup_done(bine_waitgroup *group)
{
    change_count(group_of(group), -1);
}

static int wait_slowly(struct group *group, bine_time deadline)
{
    struct wait wait;
    wait_begin(&wait, "wait group", group, deadline);
    uintptr_t word = waitlist_lock(&group->line.word);
    if (count_of(word) == 0) {
        waitlist_unlock(&group->line.word, &group->line.list);
        wait_abandon(&wait);
        return 0;
    }
    waitlist_append(&group->line.list, &wait);
    int error = wait_park(&wait, waitline_commit);
    if (error)
        waitline_leave(&group->line, &wait);
    return error;
}

int bine_waitgroup_wait_until(bine_waitgroup *object, bine_time deadline)
{
    struct group *group = group_of(object);
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    /* acquire: pairs with the release of who took the count to zero. */
    uintptr_t word = atomic_load_explicit(&group->line.word, memory_order_acquire);
    if (word == 0)
        return 0;
    if (deadline == BINE_NOW)
        return count_of(word) ? -EAGAIN : wait_slowly(group, BINE_NEVER);
    deadline_check("bine_waitgroup_wait_until", deadline);
    return wait_slowly(group, deadline);
}

int bine_waitgroup_wait(bine_waitgroup *group)
{
    return bine_waitgroup_wait_until(group, BINE_NEVER);
}
