/*
 * Semaphore: two words. The first is
 *
 *      free permits | LIST_WAITERS | LIST_LOCKED
 *
 * 1. First come, first served: while somebody waits all others go to the end of the line, and what
 *    is released stays until it is enough for the first. So a large acquire is not overtaken.
 * 2. Permits are handed over: who releases them, or leaves the line so that those behind him can
 *    pass, takes them off for the waiters that he lets through. So the first in line always wants
 *    more than there are.
 * 3. Who joins the line takes LIST_LOCKED in the same exchange that sees that he must wait; permits
 *    are added only by who finds the list unlocked and empty, or locks it. So nobody is overlooked.
 * 4. While LIST_WAITERS is set and the list is locked, nobody else changes the word.
 * 5. The store that adds or hands over permits is the last touch of the semaphore.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>
#include <errno.h>

enum { SEM_PERMIT = 1 << LIST_BITS };
#define SEM_MOST (SIZE_MAX >> LIST_BITS)

struct sem {
    struct waitline line;
};
_Static_assert(sizeof(struct sem) == sizeof(bine_sem), "two words");

static struct sem *sem_of(bine_sem *sem)
{
    return (struct sem *)sem;
}

static size_t permits_of(uintptr_t word)
{
    return word / SEM_PERMIT;
}

static bool can_take(uintptr_t word, size_t permits)
{
    return permits <= permits_of(word) && !(word & LIST_WAITERS);
}

static bool take(struct sem *sem, size_t permits)
{
    uintptr_t word = atomic_load_explicit(&sem->line.word, memory_order_relaxed);
    while (can_take(word, permits))
        /* acquire: pairs with the release of who added them. */
        if (atomic_compare_exchange_weak_explicit(&sem->line.word, &word,
                                                  word - permits * SEM_PERMIT, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* Takes the list's lock, if the caller has to wait; false if it can take the permits instead. */
static bool lock_list_unless_free(struct sem *sem, size_t permits)
{
    struct backoff backoff = {0};
    uintptr_t word = atomic_load_explicit(&sem->line.word, memory_order_relaxed);
    while (!can_take(word, permits)) {
        if (word & LIST_LOCKED)
            backoff_pause(&backoff);
        else if (atomic_compare_exchange_weak_explicit(&sem->line.word, &word, word | LIST_LOCKED,
                                                       memory_order_acquire, memory_order_relaxed))
            return true;
        word = atomic_load_explicit(&sem->line.word, memory_order_relaxed);
    }
    return false;
}

static size_t sum(uintptr_t word, size_t permits)
{
    if (permits > SEM_MOST - permits_of(word))
        fatal_misuse("bine_sem_release", "more permits than a semaphore can hold");
    return permits_of(word) + permits;
}

/* List locked: takes out whoever can have what he waits for; returns what they get. */
static size_t serve(struct sem *sem, size_t permits, struct wait **claimed)
{
    struct wait *next, **end = claimed;
    size_t served = 0;
    while ((next = sem->line.list.first)) {
        size_t wanted = (size_t)next->word;
        if (wanted > permits - served)
            break;
        if (waitlist_claim(&sem->line.list, next, &end))
            served += wanted;
    }
    return served;
}

/* List locked: adds permits, lets through who can have what he waits for, and unlocks. */
static void add(struct sem *sem, size_t permits)
{
    struct wait *claimed = NULL;
    uintptr_t word = atomic_load_explicit(&sem->line.word, memory_order_relaxed), after;
    size_t served = serve(sem, sum(word, permits), &claimed);
    do { /* others may take permits meanwhile, if nobody waited: see 4 */
        after =
            (sum(word, permits) - served) * SEM_PERMIT | (sem->line.list.first ? LIST_WAITERS : 0);
        /* release: pairs with the acquire of who takes them, or is let through. */
    } while (!atomic_compare_exchange_weak_explicit(&sem->line.word, &word, after,
                                                    memory_order_release, memory_order_relaxed));
    waitlist_resume_all(claimed);
}

static int take_slowly(struct sem *sem, size_t permits, bine_time deadline)
{
    struct wait wait;
    while (!take(sem, permits)) {
        wait_begin(&wait, "semaphore", sem, deadline);
        wait.word = (intptr_t)permits;
        if (!lock_list_unless_free(sem, permits)) {
            wait_abandon(&wait);
            continue;
        }
        waitlist_append(&sem->line.list, &wait);
        int error = wait_park(&wait, waitline_commit);
        if (error) {
            waitlist_lock(&sem->line.word);
            waitlist_remove(&sem->line.list, &wait);
            add(sem, 0);
        }
        return error;
    }
    return 0;
}

void bine_sem_init(bine_sem *object, size_t permits)
{
    struct sem *sem = sem_of(object);
    if (permits > SEM_MOST)
        fatal_misuse("bine_sem_init", "more permits than a semaphore can hold");
    atomic_init(&sem->line.word, permits * SEM_PERMIT);
    sem->line.list.first = NULL;
}

int bine_sem_acquire_until(bine_sem *object, size_t permits, bine_time deadline)
{
    struct sem *sem = sem_of(object);
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    if (permits == 0 || take(sem, permits))
        return 0;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check("bine_sem_acquire_until", deadline);
    return take_slowly(sem, permits, deadline);
}

int bine_sem_acquire(bine_sem *sem, size_t permits)
{
    return bine_sem_acquire_until(sem, permits, BINE_NEVER);
}

void bine_sem_release(bine_sem *object, size_t permits)
{
    struct sem *sem = sem_of(object);
    if (permits == 0)
        return;
    uintptr_t word = atomic_load_explicit(&sem->line.word, memory_order_relaxed);
    while (!(word & (LIST_LOCKED | LIST_WAITERS)))
        if (atomic_compare_exchange_weak_explicit(&sem->line.word, &word,
                                                  sum(word, permits) * SEM_PERMIT,
                                                  memory_order_release, memory_order_relaxed))
            return;
    waitlist_lock(&sem->line.word);
    add(sem, permits);
}
