/*
 * Workers: the threads that run tasks. A worker is in one of three places: in a task, in the
 * scheduling loop on a task stack, or on its thread's own stack, the base, where it searches and
 * sleeps.
 */
#ifndef BINE_SCHED_WORKER_H
#define BINE_SCHED_WORKER_H

#include "poll/poll.h"
#include "sched/record.h"
#include "sched/runq.h"
#include <pthread.h>

struct bine_pool;
struct deque;

/* What the monitor remembers of a worker between two looks. Only the monitor touches it. */
struct worker_watch {
    uint32_t picks;         /* at the last look */
    int64_t since;          /* ns: when that was first seen, awake */
    bool awake;             /* at the last look */
    uint64_t started;       /* tasks started by then */
    uint32_t upkeep;        /* the worker's, by then */
    int64_t started_at;     /* ns: when these were first seen, or the pick */
    int64_t ran_then;       /* ns of processor time that the thread had had by then */
    int64_t waits_since;    /* ns: when work began to wait, or the task was last asked to yield */
    int64_t aged_at;        /* ns: when the oldest fresh task was last asked for */
    unsigned looks_blocked; /* looks in a row that found it in the kernel with the same pick */
    bool waited;            /* work waited at the last look */
    bool forked;            /* forked children that nobody had taken did */
};

enum worker_state {
    WORKER_NONE,   /* no thread */
    WORKER_AWAKE,  /* runs tasks or searches */
    WORKER_ASLEEP, /* between pool_lie_down() and pool_get_up() */
    WORKER_ENDED,  /* its thread has ended, or is about to, and is to be joined */
};

/* How a worker sleeps, and what ends it. */
enum wake_word {
    WAKE_NOT_YET,   /* asleep on this word, or about to sleep */
    WAKE_CALLED,    /* to be awake */
    WAKE_BY_POLLER, /* asleep in the poller, or about to be */
};

struct worker {
    struct runq runq;

    /* The owner's alone. */
    _Alignas(CACHE_LINE) struct run *run; /* what runs now; NULL in the loop and on the base */
    struct bine_pool *pool;        /* constant while the thread lives, as is */
    uint64_t pool_bits;            /* the pool's number as it stands in a task's fn */
    int *errno_at;            /* the thread's errno */
    uintptr_t *exceptions_at; /* its C++ exception state, two words; NULL without C++ */
    struct record_cache records;
    struct stack *stacks;     /* free ones of the pool's class, the next to use first */
    unsigned stack_count;
    unsigned slot_streak;     /* picks from the slot in a row */
    int countdown;            /* picks until pick_slowly(): the clock, timers, the global queue */
    int pick_span;            /* what countdown starts from */
    unsigned since_global;    /* picks since the global queue was looked at */
    bool rescue_next;         /* that look was at the queues of stuck workers instead */
    uint32_t wake_at;         /* queued tasks from which another worker may be worth waking */
    uint32_t wakes;           /* tasks made ready by what ran here */
    bool fresh_first;         /* the next pick is the newest fresh task, if any */
    bool hand_over;           /* the mean run is long enough to hand tasks to a searcher */
    struct task *handed;      /* a fresh task, its start claimed, for the loop that is entered */
    struct stack *entering;   /* the stack whose loop is entered */
    void *base_sp;            /* context of the base while away from it */
    struct fiber base_fiber;
    int64_t sampled_at;       /* ns: the worker's own coarse clock */
    uint32_t sampled_events;  /* picks and wakes by then */
    int64_t spin_ns;          /* how long to search before the next sleep */
    _Atomic unsigned pinned;  /* tasks pinned to this thread; the owner writes */
    struct loot loot;         /* what it steals */
    struct poll_batch batch;  /* events it has fetched and not delivered yet */
    bool watches;             /* the poller: the right to sleep there is its own */
    _Atomic(struct deque *) deque; /* of children forked on its thread; NULL until the first */

    /* Counters: the owner writes, anybody reads. */
    _Alignas(CACHE_LINE) _Atomic uint64_t started, ended, steals, sleeps;
    _Atomic int64_t mean_run;   /* ns, of late */
    _Atomic uint32_t upkeep;    /* grows with each begin and end of work of its own, not a task's; in
                                   the low byte how deep in such it is */

    /* Shared. */
    _Alignas(CACHE_LINE) struct timers timers; /* of tasks that slept here */
    _Alignas(CACHE_LINE) _Atomic uint32_t yield_asked; /* the task has had its time: see monitor.c */
    _Atomic(struct task *) hand;  /* while it searches: where others put a task; else HAND_CLOSED */
    _Atomic uint32_t wake_word;   /* enum wake_word; a futex */
    _Atomic uint8_t state;        /* enum worker_state */
    _Atomic bool seated;          /* may run tasks; written under pool->seats, as the next three */
    bool extra;                   /* has a seat beyond the pool's number of them */
    bool counted;                 /* who took it out of a list has counted it as searching */
    _Atomic bool blocked;         /* between bine_block_begin and _end */
    unsigned seat;                /* the last one it had: 0 .. workers-1 */
    unsigned block_depth;         /* nested bine_block_begin; owner */
    struct spinlock inbox_lock;
    _Atomic(struct task *) inbox; /* ready tasks pinned to this thread, oldest first; written with */
    struct task *inbox_last;      /* the lock held */
    struct worker *next_asleep;   /* protected by pool->seats; in one of the pool's two lists */
    pthread_t thread;
    _Atomic int syscall_fd;       /* /proc/self/task/TID/syscall, for the monitor; or -1 */
    _Atomic int tid;              /* the thread's, for the monitor; 0: not started */
    unsigned index;               /* in pool->worker */
    struct worker_watch watch;
    char alternate_stack[];       /* OVERFLOW_STACK_SIZE bytes */
};

enum { KEPT_STACKS = 32 /* free stacks a worker keeps while it works */ };

#define HAND_CLOSED ((struct task *)1)

/*
 * The worker the caller runs on; NULL on a plain thread. It is read anew each time, for after any
 * call that may park the caller may be on another: never keep it over one.
 */
#if defined(__x86_64__)
static inline struct worker *worker_self(void)
{
    struct worker *worker;
    __asm__ volatile("movq worker_of_thread@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"
                     : "=r"(worker));
    return worker;
}
#else
struct worker *worker_self(void);
#endif
extern __thread struct worker *worker_of_thread __attribute__((tls_model("initial-exec")));

/*
 * What is to be done once the stack that was left is at rest. The one who arrives does it, so it
 * must not read the message after that stack may run again.
 */
struct departure {
    void (*commit)(void *argument);
    void *argument;
};

/* Starts the worker's thread. 0 or -EAGAIN. */
int worker_start(struct worker *worker);

/*
 * Takes the task or plain thread that runs now off its worker until somebody makes it ready.
 * `next`: what worker_choose_next() returned. `departure` runs once the caller's stack is at rest.
 * May return on another thread.
 */
void worker_leave(struct worker *worker, struct task *next, struct departure *departure);

/* Runs a task that has not started and that the caller took, on the caller's stack; `taken`: an
 * entry of it is left in a queue, and its stage is TAKEN. Returns its result; its record is untouched
 * but for the stage. The caller is a task. */
uintptr_t worker_run_in_place(struct worker *worker, struct task *task, bool taken);
/* The same for one that no queue has an entry of; its record is freed. */
uintptr_t worker_run_newest(struct worker *worker, struct task *task);

/* Counts tasks that are pinned to the worker's thread. Owner. */
void worker_count_pinned(struct worker *worker, int change);

/* Lets others run, the caller last. The caller is a task. */
void worker_yield(struct worker *worker);

/* Base: runs a task from a queue; returns when the worker is back on its base. There must be a free
 * stack if the task has not started. */
void worker_run(struct worker *worker, struct task *task);

/* Sees that the worker has a free stack; false when there is no memory for one. */
bool worker_has_stack(struct worker *worker);
/* Gives all free stacks but `keep` to the depot. */
void worker_give_stacks(struct worker *worker, unsigned keep);

/* Ends the worker's sleep, or keeps it from falling asleep. Any thread. */
void worker_rouse(struct worker *worker);

/* Looks for events of descriptors, without waiting. Owner. */
void worker_poll(struct worker *worker, int64_t now);
/* Gives the right to watch the poller back, if it has that. Owner. */
void worker_give_watch(struct worker *worker);
/* No worker that is awake is to be relied on for that: who lies down next watches the poller. */
void worker_forget_promise(void);

enum { UPKEEP_DEPTH = 0xff };

static inline void worker_count_upkeep(struct worker *worker, uint32_t change)
{
    uint32_t before = atomic_load_explicit(&worker->upkeep, memory_order_relaxed);
    atomic_store_explicit(&worker->upkeep, before + change, memory_order_relaxed);
}

/* What the owner does from here on may take its time: the monitor is not to take it for a task's. */
static inline void worker_begin_upkeep(struct worker *worker)
{
    worker_count_upkeep(worker, (UPKEEP_DEPTH + 1) + 1);
}

static inline void worker_end_upkeep(struct worker *worker)
{
    worker_count_upkeep(worker, (UPKEEP_DEPTH + 1) - 1);
}

static inline bool worker_asked_to_yield(const struct worker *worker)
{
    return unlikely(atomic_load_explicit(&worker->yield_asked, memory_order_relaxed));
}

/* Calls that may wait do this at their beginning. */
static inline void worker_heed_budget(struct worker *worker)
{
    if (worker_asked_to_yield(worker))
        worker_yield(worker);
}

static inline void worker_heed_budget_here(void)
{
    struct worker *worker = worker_self();
    if (likely(worker != NULL))
        worker_heed_budget(worker);
}

static inline void counter_add(_Atomic uint64_t *counter, uint64_t count)
{
    /* Only the owner writes: no locked operation. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
                          memory_order_release);
}

#endif
