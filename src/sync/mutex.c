/*
 * Mutex: two words. The first is
 *
 *      owner's record (64-byte aligned) | WOKEN | LIST_WAITERS | LIST_LOCKED
 *
 * 1. Free and nobody waits: 0. Locking is one compare-exchange from 0, unlocking one back to it.
 * 2. A waiter joins the list only while the mutex has an owner: it takes LIST_LOCKED in the same
 *    exchange that sees the owner, and whoever owns the mutex then takes LIST_LOCKED before it lets
 *    go. So nobody is left in the list of a free mutex that no woken waiter is on its way to. (A
 *    signalled waiter of a condition also joins where a woken one is on its way.)
 * 3. WOKEN: a waiter has been taken out of the list and woken, and has not had its try yet. Until
 *    then unlocking wakes nobody else. Others may take the mutex meanwhile: a hand-over at each
 *    unlock would cost a switch for each.
 * 4. A waiter that has waited for HAND_OVER_NS is given the mutex with the wake, so that nobody
 *    starves: unlocking makes it the owner.
 * 5. The store that frees the mutex, or names the next owner, is the last touch of it.
 *
 * A task that finds the mutex taken spins for a while before it parks, as long as its owner is seen
 * to run: it looks seldom, at growing distances, so that the owner goes on at full speed meanwhile.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sched/pool.h"
#include "sync/mutex.h"
#include "sync/waitlist.h"
#include "time/clock.h"
#include <errno.h>

enum {
    MUTEX_WOKEN = 1 << LIST_BITS,
    MUTEX_FLAGS = CACHE_LINE - 1,
    SPIN_NS = 60000,        /* at most, before a waiter parks */
    HAND_OVER_NS = 1000000, /* after that a waiter is served before all others */
};

/* What a waiter finds in wait->word. */
enum { TRY_AGAIN, HANDED_OVER };

struct mutex {
    list_word word;
    struct waitlist list;
};
_Static_assert(sizeof(struct mutex) == sizeof(bine_mutex), "two words");

static struct mutex *mutex_of(bine_mutex *mutex)
{
    return (struct mutex *)mutex;
}

static uintptr_t owner_of(uintptr_t word)
{
    return word & ~(uintptr_t)MUTEX_FLAGS;
}

/* A hint, read past the list's lock, whether the word is likely to be without flags. The word itself
 * would tell, but reading it makes the exchange that follows wait. */
UNCHECKED_RACE static inline bool seems_waited_for(const struct mutex *mutex)
{
    return unlikely(*(struct wait *const volatile *)&mutex->list.first != NULL);
}

/* The fast ways, without flags. */
static inline bool take_free(struct mutex *mutex, uintptr_t self)
{
    uintptr_t free = 0;
    /* acquire: as below. */
    return !seems_waited_for(mutex) &&
           atomic_compare_exchange_strong_explicit(&mutex->word, &free, self, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline bool release_alone(struct mutex *mutex, uintptr_t owner)
{
    uintptr_t alone = owner;
    return !seems_waited_for(mutex) &&
           atomic_compare_exchange_strong_explicit(&mutex->word, &alone, 0, memory_order_release,
                                                   memory_order_relaxed);
}

/* Takes the mutex if nobody owns it; clears `flags` on the way. */
static inline bool take_unowned(struct mutex *mutex, uintptr_t self, uintptr_t flags)
{
    uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    while (!owner_of(word))
        /* acquire: pairs with the release in let_go() and release_slowly(). */
        if (likely(atomic_compare_exchange_weak_explicit(&mutex->word, &word,
                                                         (word & ~flags) | self,
                                                         memory_order_acquire,
                                                         memory_order_relaxed)))
            return true;
    return false;
}

/* True if it can be that another worker runs the owner now, who will let go soon. */
static bool worth_spinning(const struct worker *worker, uintptr_t owner)
{
    const struct task *task = (const struct task *)owner;
    if (!worker)
        return true;
    return worker->pool->seats_count > 1 && (!owner || worker_runs_elsewhere(worker, task));
}

/* Spins while somebody else runs with the mutex; true if it was taken. */
static bool spin_for_mutex(struct mutex *mutex, uintptr_t self, uintptr_t flags)
{
    struct backoff backoff = {0};
    int64_t end = 0;
    for (;;) {
        if (take_unowned(mutex, self, flags))
            return true;
        uintptr_t owner = owner_of(atomic_load_explicit(&mutex->word, memory_order_relaxed));
        if (!worth_spinning(worker_self(), owner))
            return take_unowned(mutex, self, flags);
        int64_t now = clock_now();
        if (!end)
            end = now + SPIN_NS;
        if (now >= end)
            return false;
        backoff_pause(&backoff);
    }
}

static void commit_lock(void *argument)
{
    struct wait *wait = argument;
    struct mutex *mutex = wait->on;
    wait_commit(wait);
    waitlist_unlock(&mutex->word, &mutex->list);
}

/* Takes the list's lock, if the mutex has an owner; false if it has none. */
static bool lock_list_of_owned(struct mutex *mutex)
{
    struct backoff backoff = {0};
    uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    while (owner_of(word)) {
        if (word & LIST_LOCKED)
            backoff_pause(&backoff);
        else if (atomic_compare_exchange_weak_explicit(&mutex->word, &word, word | LIST_LOCKED,
                                                       memory_order_acquire, memory_order_relaxed))
            return true;
        word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    }
    return false;
}

static void leave_list(struct mutex *mutex, struct wait *wait)
{
    waitlist_lock(&mutex->word);
    waitlist_remove(&mutex->list, wait);
    waitlist_unlock(&mutex->word, &mutex->list);
}

/* List locked. A waiter that was woken in vain goes where it was: first. */
static void join_list(struct mutex *mutex, struct wait *wait, uintptr_t woken)
{
    if (!woken) {
        waitlist_append(&mutex->list, wait);
        return;
    }
    waitlist_prepend(&mutex->list, wait);
    atomic_fetch_and_explicit(&mutex->word, ~woken, memory_order_relaxed);
}

/* 0 (locked), -ETIMEDOUT, -ECANCELED. `deadline`: NULL where nothing may end the waiting. `woken`:
 * MUTEX_WOKEN where the caller is the woken waiter, else 0. */
static int lock_slowly(struct mutex *mutex, struct run *run, const bine_time *deadline,
                       uintptr_t woken)
{
    uintptr_t self = (uintptr_t)run->task;
    int64_t since = 0;
    while (!spin_for_mutex(mutex, self, woken)) {
        struct wait wait;
        if (!since)
            since = clock_now();
        if (deadline)
            wait_begin(&wait, "mutex", mutex, *deadline);
        else
            wait_begin_firm(&wait, "mutex", mutex, BINE_NEVER);
        wait.since = since;
        wait.word = TRY_AGAIN;
        if (!lock_list_of_owned(mutex)) {
            wait_abandon(&wait);
            continue;
        }
        join_list(mutex, &wait, woken);
        woken = 0;
        int error = wait_park(&wait, commit_lock);
        if (error) {
            leave_list(mutex, &wait);
            return error;
        }
        if (wait.word == HANDED_OVER)
            return 0;
        woken = MUTEX_WOKEN;
    }
    return 0;
}

/* run_self(), which on a worker is not worth a call. */
static inline struct run *own_run(void)
{
    struct worker *worker = worker_self();
    return likely(worker != NULL) ? worker->run : run_self();
}

static inline struct run *caller(void)
{
    worker_heed_budget_here();
    return own_run();
}

void bine_lock(bine_mutex *object)
{
    struct mutex *mutex = mutex_of(object);
    struct run *run = caller();
    uintptr_t self = (uintptr_t)run->task;
    if (likely(take_free(mutex, self) || take_unowned(mutex, self, 0)))
        return;
    if (unlikely(owner_of(atomic_load_explicit(&mutex->word, memory_order_relaxed)) == self))
        fatal_misuse("bine_lock", "the caller holds the mutex already");
    lock_slowly(mutex, run, NULL, 0);
}

int bine_try_lock(bine_mutex *object)
{
    struct mutex *mutex = mutex_of(object);
    uintptr_t self = (uintptr_t)own_run()->task;
    return take_unowned(mutex, self, 0) ? 0 : -EAGAIN;
}

int bine_lock_until(bine_mutex *object, bine_time deadline)
{
    struct mutex *mutex = mutex_of(object);
    struct run *run = caller();
    uintptr_t self = (uintptr_t)run->task;
    int error = run_check(run);
    if (error)
        return error;
    if (take_unowned(mutex, self, 0))
        return 0;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check("bine_lock_until", deadline);
    if (owner_of(atomic_load_explicit(&mutex->word, memory_order_relaxed)) == self)
        fatal_misuse("bine_lock_until", "the caller holds the mutex already");
    return lock_slowly(mutex, run, &deadline, 0);
}

/* List locked, mutex owned by the caller: takes the waiter to wake out and says what the word is
 * after that. */
static uintptr_t choose_next(struct mutex *mutex, uintptr_t word, struct wait **next)
{
    uintptr_t after = word & MUTEX_WOKEN;
    *next = after ? NULL : waitlist_claim_first(&mutex->list);
    if (*next && clock_now() - (*next)->since >= HAND_OVER_NS) {
        (*next)->word = HANDED_OVER;
        after = (uintptr_t)(*next)->task;
    } else if (*next) {
        after = MUTEX_WOKEN;
    }
    return after | (mutex->list.first ? LIST_WAITERS : 0);
}

/* Returns whom to resume, or NULL. */
static struct task *release_slowly(struct mutex *mutex)
{
    struct wait *next;
    uintptr_t after = choose_next(mutex, waitlist_lock(&mutex->word), &next);
    struct task *task = next ? next->task : NULL;
    /* Nobody else changes the word of an owned mutex whose list is locked. release: pairs with the
     * acquire of who takes the mutex. */
    atomic_store_explicit(&mutex->word, after, memory_order_release);
    return task;
}

/* Releases the mutex where nobody is to be woken: nobody waits, or a woken waiter is on its way. False
 * otherwise, and where the caller does not own it. */
static inline bool let_go(struct mutex *mutex, uintptr_t owner)
{
    uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    while (word == owner ||
           (owner_of(word) == owner && (word & (MUTEX_WOKEN | LIST_LOCKED)) == MUTEX_WOKEN))
        /* release: pairs with the acquire of who takes the mutex. */
        if (likely(atomic_compare_exchange_weak_explicit(&mutex->word, &word, word - owner,
                                                         memory_order_release,
                                                         memory_order_relaxed)))
            return true;
    return false;
}

static void unlock_slowly(struct mutex *mutex, uintptr_t self)
{
    uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
    if (owner_of(word) != self)
        fatal_misuse("bine_unlock", owner_of(word) ? "the mutex is held by somebody else"
                                                   : "the mutex is not locked");
    struct task *next = release_slowly(mutex);
    if (next)
        wait_resume(next);
}

void bine_unlock(bine_mutex *object)
{
    struct mutex *mutex = mutex_of(object);
    uintptr_t self = (uintptr_t)own_run()->task;
    if (unlikely(!release_alone(mutex, self) && !let_go(mutex, self)))
        unlock_slowly(mutex, self);
}

/* --- for condition variables --- */

bool mutex_is_held_by(const bine_mutex *mutex, const struct task *task)
{
    uintptr_t word =
        atomic_load_explicit(&mutex_of((bine_mutex *)mutex)->word, memory_order_relaxed);
    return owner_of(word) == (uintptr_t)task;
}

struct task *mutex_release(bine_mutex *object, const struct task *owner)
{
    struct mutex *mutex = mutex_of(object);
    return let_go(mutex, (uintptr_t)owner) ? NULL : release_slowly(mutex);
}

/* True with LIST_LOCKED taken where somebody owns the mutex or is on its way to it; else false, and
 * the mutex has been told that somebody is. */
static bool lock_list_or_say_woken(struct mutex *mutex)
{
    struct backoff backoff = {0};
    for (;;) {
        uintptr_t word = atomic_load_explicit(&mutex->word, memory_order_relaxed);
        bool busy = owner_of(word) || (word & MUTEX_WOKEN);
        if (busy && (word & LIST_LOCKED))
            backoff_pause(&backoff);
        else if (atomic_compare_exchange_weak_explicit(&mutex->word, &word,
                                                       word | (busy ? LIST_LOCKED : MUTEX_WOKEN),
                                                       memory_order_acquire, memory_order_relaxed))
            return busy;
    }
}

void mutex_pass_waiter(bine_mutex *object, struct wait *wait, struct wait *further)
{
    struct mutex *mutex = mutex_of(object);
    further->word = TRY_AGAIN;
    further->since = clock_now();
    if (!lock_list_or_say_woken(mutex)) {
        wait_resume(wait->task);
        return;
    }
    wait_further(wait, further);
    waitlist_append(&mutex->list, further);
    waitlist_unlock(&mutex->word, &mutex->list);
}

void mutex_lock_passed(bine_mutex *mutex, const struct wait *further)
{
    if (further->word != HANDED_OVER)
        lock_slowly(mutex_of(mutex), run_self(), NULL, MUTEX_WOKEN);
}
