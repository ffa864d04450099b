/*
 * Read-write lock: two words. The first is one of
 *
 *      number of readers (above the flags)      | LIST_WAITERS | LIST_LOCKED
 *      the writer's record (64-byte aligned)    | WRITER | LIST_WAITERS | LIST_LOCKED
 *
 * 1. First come, first served: who comes while somebody waits goes to the end of the line. So a
 *    waiting writer holds new readers back, and neither kind starves. Readers that stand one behind
 *    the other are let through together.
 * 2. The lock is handed over: who lets go last, or leaves the line so that those behind him can
 *    pass, makes the next ones its holders. A lock with waiters is never free.
 * 3. Who joins the line takes LIST_LOCKED in the same exchange that sees that he must wait, and a
 *    lock becomes free only by who found the list unlocked and empty. So nobody is overlooked.
 * 4. While LIST_WAITERS is set and the list is locked, the word changes only by readers that let go
 *    and are not the last.
 * 5. The store that lets others through is the last touch of the lock.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>
#include <errno.h>

enum {
    RW_WRITER = 1 << LIST_BITS,
    RW_READER = CACHE_LINE, /* one of them */
    RW_FLAGS = CACHE_LINE - 1,
};

/* What a waiter is to become, in wait->word. */
enum role { ROLE_READER, ROLE_WRITER };

struct rwlock {
    struct waitline line;
};
_Static_assert(sizeof(struct rwlock) == sizeof(bine_rwlock), "two words");

static struct rwlock *rwlock_of(bine_rwlock *lock)
{
    return (struct rwlock *)lock;
}

static bool is_writer(uintptr_t word, const struct run *run)
{
    return (word & RW_WRITER) && (word & ~(uintptr_t)RW_FLAGS) == (uintptr_t)run->task;
}

static uintptr_t writer_word(const struct task *task)
{
    return (uintptr_t)task | RW_WRITER;
}

static bool can_take(uintptr_t word, enum role role)
{
    return role == ROLE_READER ? !(word & (RW_WRITER | LIST_WAITERS)) : !(word & ~LIST_LOCKED);
}

static bool take(struct rwlock *lock, struct run *run, enum role role)
{
    uintptr_t share = role == ROLE_READER ? RW_READER : writer_word(run->task);
    uintptr_t word = atomic_load_explicit(&lock->line.word, memory_order_relaxed);
    while (can_take(word, role))
        /* acquire: pairs with the release of who lets go. */
        if (atomic_compare_exchange_weak_explicit(&lock->line.word, &word, word + share,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* Takes the list's lock, if the caller has to wait; false if it can take the lock instead. */
static bool lock_list_unless_free(struct rwlock *lock, enum role role)
{
    struct backoff backoff = {0};
    uintptr_t word = atomic_load_explicit(&lock->line.word, memory_order_relaxed);
    while (!can_take(word, role)) {
        if (word & LIST_LOCKED)
            backoff_pause(&backoff);
        else if (atomic_compare_exchange_weak_explicit(&lock->line.word, &word, word | LIST_LOCKED,
                                                       memory_order_acquire, memory_order_relaxed))
            return true;
        word = atomic_load_explicit(&lock->line.word, memory_order_relaxed);
    }
    return false;
}

/* List locked. Takes out who may join the holders; returns what they add to the word. */
static uintptr_t let_in(struct rwlock *lock, uintptr_t holders, struct wait **claimed)
{
    struct waitlist *list = &lock->line.list;
    struct wait *next, **end = claimed;
    uintptr_t readers = 0;
    if (holders & RW_WRITER)
        return 0;
    while ((next = list->first)) {
        enum role role = (enum role)next->word;
        if (role == ROLE_WRITER && holders + readers > 0)
            break;
        if (!waitlist_claim(list, next, &end))
            continue;
        if (role == ROLE_WRITER)
            return writer_word(next->task);
        readers += RW_READER;
    }
    return readers;
}

/* List locked: takes the caller's share off the word, lets in who can come, and unlocks. */
static void let_go(struct rwlock *lock, uintptr_t share)
{
    struct wait *claimed = NULL;
    uintptr_t word = atomic_load_explicit(&lock->line.word, memory_order_relaxed);
    uintptr_t flags = LIST_LOCKED | LIST_WAITERS, joined = 0, after;
    do { /* other readers may let go meanwhile: see 4 */
        uintptr_t holders = (word & ~flags) - share;
        if (!joined)
            joined = let_in(lock, holders, &claimed);
        after = (holders + joined) | (lock->line.list.first ? LIST_WAITERS : 0);
        /* release: pairs with the acquire of who takes the lock, or is let in. */
    } while (!atomic_compare_exchange_weak_explicit(&lock->line.word, &word, after,
                                                    memory_order_release, memory_order_relaxed));
    waitlist_resume_all(claimed);
}

/* 0 (locked), -ETIMEDOUT, -ECANCELED. `deadline`: NULL where nothing may end the waiting. */
static int take_slowly(struct rwlock *lock, struct run *run, enum role role,
                       const bine_time *deadline)
{
    struct wait wait;
    while (!take(lock, run, role)) {
        if (deadline)
            wait_begin(&wait, "read-write lock", lock, *deadline);
        else
            wait_begin_firm(&wait, "read-write lock", lock, BINE_NEVER);
        wait.word = role;
        if (!lock_list_unless_free(lock, role)) {
            wait_abandon(&wait);
            continue;
        }
        waitlist_append(&lock->line.list, &wait);
        int error = wait_park(&wait, waitline_commit);
        if (error) {
            waitlist_lock(&lock->line.word);
            waitlist_remove(&lock->line.list, &wait);
            let_go(lock, 0);
        }
        return error;
    }
    return 0;
}

static void take_firmly(struct rwlock *lock, enum role role, const char *call)
{
    worker_heed_budget_here();
    struct run *run = run_self();
    if (likely(take(lock, run, role)))
        return;
    if (is_writer(atomic_load_explicit(&lock->line.word, memory_order_relaxed), run))
        fatal_misuse(call, "the caller holds the lock already, for writing");
    take_slowly(lock, run, role, NULL);
}

static int take_until(struct rwlock *lock, enum role role, bine_time deadline, const char *call)
{
    worker_heed_budget_here();
    struct run *run = run_self();
    int error = run_check(run);
    if (error)
        return error;
    if (take(lock, run, role))
        return 0;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check(call, deadline);
    if (is_writer(atomic_load_explicit(&lock->line.word, memory_order_relaxed), run))
        fatal_misuse(call, "the caller holds the lock already, for writing");
    return take_slowly(lock, run, role, &deadline);
}

void bine_read_lock(bine_rwlock *lock)
{
    take_firmly(rwlock_of(lock), ROLE_READER, "bine_read_lock");
}

int bine_read_lock_until(bine_rwlock *lock, bine_time deadline)
{
    return take_until(rwlock_of(lock), ROLE_READER, deadline, "bine_read_lock_until");
}

void bine_write_lock(bine_rwlock *lock)
{
    take_firmly(rwlock_of(lock), ROLE_WRITER, "bine_write_lock");
}

int bine_write_lock_until(bine_rwlock *lock, bine_time deadline)
{
    return take_until(rwlock_of(lock), ROLE_WRITER, deadline, "bine_write_lock_until");
}

void bine_read_unlock(bine_rwlock *object)
{
    struct rwlock *lock = rwlock_of(object);
    uintptr_t word = atomic_load_explicit(&lock->line.word, memory_order_relaxed);
    for (;;) {
        if (unlikely(word & RW_WRITER))
            fatal_misuse("bine_read_unlock", "the lock is held for writing");
        if (unlikely(word < RW_READER))
            fatal_misuse("bine_read_unlock", "the lock is not locked");
        if (unlikely(word < 2 * RW_READER && (word & RW_FLAGS))) {
            waitlist_lock(&lock->line.word);
            let_go(lock, RW_READER);
            return;
        }
        if (likely(atomic_compare_exchange_weak_explicit(&lock->line.word, &word, word - RW_READER,
                                                         memory_order_release,
                                                         memory_order_relaxed)))
            return;
    }
}

static void check_writer(uintptr_t word, const struct run *run)
{
    if (is_writer(word, run))
        return;
    fatal_misuse("bine_write_unlock", word & RW_WRITER    ? "the lock is held by somebody else"
                                      : word >= RW_READER ? "the lock is held for reading"
                                                          : "the lock is not locked");
}

void bine_write_unlock(bine_rwlock *object)
{
    struct rwlock *lock = rwlock_of(object);
    struct run *run = run_self();
    uintptr_t share = writer_word(run->task), word = share;
    if (likely(atomic_compare_exchange_strong_explicit(&lock->line.word, &word, 0,
                                                       memory_order_release, memory_order_relaxed)))
        return;
    check_writer(word, run);
    waitlist_lock(&lock->line.word);
    let_go(lock, share);
}
