/*
 * Pools: workers that share their tasks, and where each of them stands.
 *
 * A pool has as many seats as workers were asked for. A worker with a seat runs tasks, searches or
 * sleeps; one without is stuck in a task, after which it will find its seat gone, or is a spare.
 */
#ifndef BINE_SCHED_POOL_H
#define BINE_SCHED_POOL_H

#include "sched/worker.h"
#include <bine/pool.h>

enum { MOST_SPARES = 512, MOST_SEATS = 1024, NAME_SIZE = 16 };

#define SPARE_LIFE_NS INT64_C(10000000000) /* how long a spare is kept without use */

/* Tasks linked by next. */
struct task_list {
    struct task *first, *last;
    uint32_t count;
};

enum task_kind { TASKS_READY, TASKS_FRESH };

struct bine_pool {
    /* Constant once open. */
    unsigned number;      /* in pool_table */
    unsigned seats_count; /* workers asked for */
    int stack_class;
    size_t stack_size;    /* bytes promised to a task */
    bool serial;
    char name[NAME_SIZE];
    struct bine_pool *next_retired; /* see retire() */
    struct worker **worker; /* by index; seats_count + MOST_SPARES places */

    /* Seldom written, read by all. */
    _Alignas(CACHE_LINE) _Atomic bool closing; /* no new tasks */
    _Atomic bool cancelled;                    /* all its tasks are */
    int64_t cancelled_at;                      /* ns; written before that */
    _Atomic bool closed_at_exit;               /* by a destructor: its tasks run all the same */
    _Atomic bool over;                         /* closing, and no tasks left */
    _Atomic bool stopping;                     /* then: threads end */
    _Atomic bool stranded;                     /* the monitor saw tasks queue behind a stuck one */
    _Atomic uint32_t asleep;                   /* workers with a seat that sleep */
    _Atomic uint32_t searching; /* workers that search, or were just woken or started to */
    _Atomic(struct worker *) searcher; /* one whose hand is open; NULL: none */
    _Atomic unsigned worker_count;     /* places of `worker` in use; grows only */
    _Atomic unsigned seated;           /* seats taken; see seats.c */
    _Atomic int64_t mean_run;          /* ns: what some worker measured last */

    /* The global queue: tasks from outside and what overflowed, first in first out. */
    _Alignas(CACHE_LINE) struct spinlock lock; /* protects the next three */
    struct task_list list[2];   /* by enum task_kind */
    bool fresh_next;            /* the next take looks for fresh tasks first */
    _Atomic uint32_t queued;    /* tasks in both; read without the lock, too */
    _Atomic uint64_t submitted; /* tasks started from outside the pool */
    _Atomic uint32_t visitors;  /* threads of others that queue something here: see pool_visit() */

    /* Who sits and who sleeps. */
    _Alignas(CACHE_LINE) struct spinlock seats; /* protects the three below and the workers' seats */
    struct worker *sleepers;                    /* with a seat, last to lie down first */
    struct worker *spares;                      /* without */
    uint64_t seat_taken[MOST_SEATS / 64];       /* a bit per seat */
    _Atomic uint64_t compensated;               /* spares brought in */
    _Atomic bool said_short;                    /* has said that it has too few threads */

    /* Who waits for the pool to have no task left. */
    struct spinlock quiet_lock; /* protects the waits */
    struct wait *quiet_waits;
    _Atomic uint32_t quiet_waiters; /* of those, and some that look before they wait */
};

/* The pools that are open, by number; NULL: free. */
extern _Atomic(struct bine_pool *) pool_table[MOST_POOLS];

static inline struct bine_pool *pool_of(const struct task *task)
{
    return atomic_load_explicit(&pool_table[task_pool(task)], memory_order_relaxed);
}

/* Around what a thread of others does to the pool while a task that is not yet queued, or a call
 * into the pool, keeps it open: it does not go before the thread has left. */
static inline void pool_visit(struct bine_pool *pool)
{
    /* seq_cst, here and in wait_for_visitors(): who starts a task counts itself, then looks at
     * quiet_waiters; who closes takes itself out of those, then looks for visitors. */
    atomic_fetch_add_explicit(&pool->visitors, 1, memory_order_seq_cst);
}

static inline void pool_leave(struct bine_pool *pool)
{
    /* release: pairs with the load in wait_for_visitors(). */
    atomic_fetch_sub_explicit(&pool->visitors, 1, memory_order_release);
}

/* NULL while that place is being filled. */
static inline struct worker *pool_worker(const struct bine_pool *pool, unsigned index)
{
    return ((struct worker *_Atomic *)pool->worker)[index];
}

/* True if another worker of this one's pool was seen to run the task; also for a task of another
 * pool, of which that cannot be told. */
bool worker_runs_elsewhere(const struct worker *worker, const struct task *task);

/* The default pool, started if need be. NULL with errno where it cannot start. */
struct bine_pool *pool_default(void);

/*
 * Keeps pools from closing while the caller looks at them, and calls visit on each that is open.
 * Any thread but in a visit.
 */
void pool_each(void (*visit)(struct bine_pool *pool, void *context), void *context);

/* What pools count. */
struct pool_counts {
    uint64_t started, ended; /* tasks */
    uint64_t switches;       /* times a worker turned to another task */
    uint64_t steals;         /* tasks taken from another worker */
    uint64_t sleeps;         /* times a worker went to sleep */
    uint64_t compensated;    /* spares brought in */
};

/* Adds a pool's counters. */
void pool_add_counts(struct bine_pool *pool, struct pool_counts *counts);

/* Those of the pools that are closed. */
void pool_closed_counts(struct pool_counts *counts);

/* --- the global queue: queue.c --- */

/* Adds a task to a list; a fresh one after task_link(). */
void task_list_add(struct task_list *list, struct task *task);

/* Queues tasks, all of a kind, and sees that a worker takes them. Any thread. */
void pool_submit(struct bine_pool *pool, enum task_kind kind, struct task_list *list);
void pool_submit_one(struct bine_pool *pool, enum task_kind kind, struct task *task);

/* Sees that a worker takes what is in the queue. For those on whom somebody may have relied to do it
 * and who do not. */
void pool_see_to_queue(struct bine_pool *pool);

/* Takes a share of the queue, `most` tasks at most, into the worker's own and returns one of them;
 * NULL: it is empty. */
struct task *pool_take(struct bine_pool *pool, struct worker *worker, uint32_t most);
/* A ready one. */
struct task *pool_take_ready(struct bine_pool *pool);

/* --- seats: seats.c --- */

/* Sees that one more worker is awake, if a seat is asleep or empty. Any thread. */
void pool_wake(struct bine_pool *pool);

/* True if nobody searches, a seat is asleep or empty, and there is a processor for one more worker or
 * what its tasks run, `mean_run` ns at a time, is worth a share of others' processors. */
bool pool_can_use_another(const struct bine_pool *pool, int64_t mean_run);

/* Starts the first worker. 0, -ENOMEM or -EAGAIN. */
int pool_start(struct bine_pool *pool);

/* A stuck worker loses its seat to a spare. Any thread. */
void pool_replace(struct bine_pool *pool, struct worker *stuck);

/* The worker has lost its seat: true if it has one again, always where it has pinned tasks. Owner.
 */
bool pool_take_seat(struct bine_pool *pool, struct worker *worker);

/* The worker gives a seat up that it took beyond their number. Owner. */
void pool_leave_extra_seat(struct bine_pool *pool, struct worker *worker);

/* Owner: its thread has started. True: who started it has counted it as searching. */
bool pool_come_in(struct bine_pool *pool, struct worker *worker);

/* Owner: before and after sleeping. The second returns true where a waker has counted the worker
 * as searching. */
void pool_lie_down(struct bine_pool *pool, struct worker *worker);
bool pool_get_up(struct bine_pool *pool, struct worker *worker);

/* Owner, a spare: true if it may end. */
bool pool_dismiss(struct bine_pool *pool, struct worker *worker);
/* Owner: its last touch of worker and pool. */
void pool_worker_gone(struct bine_pool *pool, struct worker *worker);

/* Joins a worker's thread, if it has ended. Does not wait. Any thread. */
void pool_reap(struct worker *worker);

/* In the child of a fork: closes what the workers had open. */
void workers_abandon(struct bine_pool *pool);

/* Ends all threads of a pool without tasks and frees the workers. */
void pool_stop(struct bine_pool *pool);

/* --- having no task left: quiet.c --- */

bool pool_is_quiet(const struct bine_pool *pool);
/* Tells those who wait for that. A worker that has nothing to do calls it. */
void pool_tell_quiet(struct bine_pool *pool);
/* Waits for it: 0, -ECANCELED, -ETIMEDOUT, -EAGAIN. */
int pool_wait_quiet(struct bine_pool *pool, int64_t deadline);
/* The same, whatever happens to the caller: 0 or -ETIMEDOUT. */
int pool_wait_quiet_firmly(struct bine_pool *pool, int64_t deadline);

#endif
