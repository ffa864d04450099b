/*
 * Task records and runs: what a task is before, while and after it runs.
 *
 * A record is one cache line of memory that never changes its type and is never unmapped, so a
 * stale pointer to one can be looked at, and its claim word tells that it is stale. What a task
 * needs only once it runs is its run, in the frame that runs it.
 *
 *            spawn                  a worker picks it          it runs      its function returns
 *    FREE ----------> FRESH ------------------------> STARTING -------> STARTED ------------> ENDED
 *                     |   ^                               ^                ^
 *   goes into a list  v   |  comes out of it              |                |  a worker meets the
 *                     LINKED -----------------------------'                |  stale entry
 *                                                                          |
 *                     FRESH --------------------------------> TAKEN -------'
 *                              a task awaits it in place        |
 *                                                               `--> LEFT   it has ended, awaited;
 *                                            the entry goes with the record, to FREE
 */
#ifndef BINE_SCHED_TASK_H
#define BINE_SCHED_TASK_H

#include "base/compiler.h"
#include "stack/stack.h"
#include "time/timers.h"
#include <assert.h>
#include <bine/task.h>
#include <stdbool.h>
#include <stdint.h>

struct bine_pool;
struct worker;
struct run;
struct wait;
struct scope;
struct level;

enum task_stage {
    STAGE_FREE,    /* in no use */
    STAGE_FRESH,   /* in a queue, not started */
    STAGE_LINKED,  /* the same, in a list by its next: who awaits it must not start it */
    STAGE_STARTING, /* out of its queue, to be started by who took it out */
    STAGE_STARTED, /* running, ready or waiting */
    STAGE_TAKEN,   /* as STARTED, by who awaits it; a stale entry is left in a fresh queue */
    STAGE_LEFT,    /* ended and awaited; a stale entry is left, and whoever meets it frees this */
    STAGE_ENDED,   /* has a result that nobody has collected */
    STAGE_THREAD,  /* stands for a plain thread */
};

/* The claim word: a sequence number that grows with each wait, and the state of the wait. */
enum claim_state {
    CLAIM_RUNNING,   /* waits for nothing */
    CLAIM_PREPARE,   /* about to wait: who comes now looks again */
    CLAIM_WAITING,   /* waits; grant, deadline and cancellation may end it */
    CLAIM_FIRM,      /* waits; no cancellation may end it */
    CLAIM_GRANTED,   /* what it waited for came; will be resumed */
    CLAIM_TIMED_OUT, /* the deadline came first; will be resumed */
    CLAIM_CANCELLED, /* a cancellation came first; will be resumed */
    CLAIM_SHELTERED, /* as WAITING behind a shield: only scopes opened behind it, too, may end it */
    CLAIM_STATES = 8
};

/* Who waits for the end of a task: the words of `join`. Anything else is a struct wait *. */
#define JOIN_NOBODY   ((uintptr_t)0) /* runs; the future is somebody's */
#define JOIN_DETACHED ((uintptr_t)1) /* runs; there is no future. Above it the scope to tell */
#define JOIN_ENDING   ((uintptr_t)2) /* ended; its waiter is being claimed */
#define JOIN_ENDED    ((uintptr_t)3) /* ended; the record is the future's owner's alone */

/* Flags of a task that are set before it is queued and constant while it lives. */
enum {
    TASK_RESULT = 7,      /* the bits of how its function returns */
    TASK_MORE = 1 << 3,   /* arg[0] is a struct task_more * until the task has started */
    TASK_FUTURE = 1 << 4, /* was started with a future: its start must be claimed */
    TASK_APART = 1 << 5,  /* pinned, or with a stack of its own: not to be run in place */
};

/*
 * fn and site hold 48-bit addresses; above them lie
 *   in fn:   bits 48-50 how the function returns, 51-53 the TASK_ flags, 54-63 its pool's number,
 *   in site: byte 6 the stage, byte 7 the marks.
 */
struct task {
    _Atomic uint64_t claim; /* see enum claim_state; survives reuse of the record */
    struct task *next;      /* in the one list or global queue the record is in */
    union {
        uintptr_t arg[3]; /* FRESH: the first arguments, or a struct task_more * */
        struct {
            void *sp;               /* STARTED: context while not running */
            struct run *run;        /* STARTED, THREAD: in the frame that runs it */
            union {
                _Atomic uint32_t woken;       /* THREAD: the futex word its thread sleeps on */
                _Atomic int64_t cancelled_at; /* TASK_MORE, STARTED: ns; 0: see task_cancel() */
            };
        };
        uintptr_t result; /* ENDED */
    };
    _Atomic uint64_t fn;
    union {
        _Atomic uint64_t site; /* where it was started: a return address */
        struct {
            uint8_t site_bytes[6];
            _Atomic uint8_t stage; /* enum task_stage */
            _Atomic uint8_t marks; /* MARK_ bits */
        };
    };
    _Atomic uintptr_t join;
};
static_assert(sizeof(struct task) == CACHE_LINE, "a task that has not started is one cache line");

enum {
    MARK_CANCELLED = 1 << 0, /* bine_cancel was called */
    MARK_PINNED = 1 << 1,    /* runs on the thread of run->home only */
    MARK_COVERS = 1 << 2,    /* run->covers is not empty; written with task_lock() */
};

#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
enum { TASK_POOL_SHIFT = 54, MOST_POOLS = 1 << (64 - TASK_POOL_SHIFT) };

/* What does not fit into a record: further arguments and options. */
struct task_more {
    uintptr_t arg[6];
    const char *name;
    struct stack *stack; /* one of the size that was asked for; NULL: the pool's size will do */
    struct bine_scope *scope;
    bool pinned;
    _Alignas(16) char copy[]; /* of copy_size bytes: lives as long as the task */
};

/* Values of keys; see key.c. */
struct key_values {
    void **value; /* NULL until the first is set */
    unsigned count;
};

/* Something that a cancellation from above reaches, in the list of what covers it. */
struct covered {
    struct covered *next;
    struct covered **back; /* what points at it */
    enum covered_kind {
        COVERED_RUN,   /* a task or a covered call */
        COVERED_TOLD,  /* one that has been cancelled */
        COVERED_SCOPE,
        COVERED_PLACE, /* where a walker goes on */
    } kind;
};

/*
 * A task (or plain thread) while it runs. The owner's fields are touched only by the task itself;
 * a dump reads them without a lock and may see them in the middle of a change.
 */
struct run {
    struct run *outer;      /* who awaits this task in place, on the same stack; NULL: nobody */
    struct stack *stack;    /* NULL on a plain thread */
    struct worker *home;    /* the worker it is pinned to while pins > 0 */
    int64_t base_deadline;  /* the one that it was started with */
    struct level *shield;   /* SHIELDED: what `level` was when the shield went up */
    struct covered in;      /* LISTED: in the list of the scope it was started in */
    struct covered under;   /* a covered call's: in the list of the task it observes */

    /* These and the first that are zero are what each wait touches. */
    struct task *task;
    struct bine_pool *pool; /* NULL on a plain thread */
    struct task *marked;    /* whose cancel mark counts: its own, or its parent's */
    int64_t deadline;       /* the nearest one around the caller that counts now; see scope.h */
    const void *waits_on;   /* while it waits */
    int64_t waits_since;    /* ns, as coarse as the worker's clock */

    /* From here on all is zero when it starts. */
    const char *waits_for;  /* what it waits for, for the dump; NULL while it runs */
    struct scope *inside;          /* the innermost scope that counts now */
    struct scope *started_in;      /* NULL: in none */
    bool shielded;
    bool listed;                   /* its first wait has put it into that list */
    bool deeper;                   /* it has a scope of its own there; protected as `in` */
    uint32_t pins;
    uint32_t opened;               /* scopes it has opened so far */
    struct task_more *more;
    const char *name;
    struct level *level;           /* the innermost it has set up */
    struct covered *covers; /* scopes without a parent, covered calls; protected by task_lock() */
    struct key_values keys;
    _Atomic(struct scope *) scope; /* the innermost it has opened; goes with task_lock() held */
    _Atomic uint64_t id;           /* 0 until somebody asks: see run_id() */
};

/* relaxed, here and for site: atomic only for those who look at a record that is not theirs. */
static inline uint64_t task_fn(const struct task *task)
{
    return atomic_load_explicit(&task->fn, memory_order_relaxed);
}

static inline void (*task_function(const struct task *task))(void)
{
    return (void (*)(void))(uintptr_t)(task_fn(task) & ADDRESS_MASK);
}

static inline unsigned task_result_kind(const struct task *task)
{
    return (unsigned)(task_fn(task) >> 48) & TASK_RESULT;
}

static inline unsigned task_pool(const struct task *task)
{
    return (unsigned)(task_fn(task) >> TASK_POOL_SHIFT);
}

static inline bool task_has(const struct task *task, unsigned flag)
{
    return (task_fn(task) >> 48) & flag;
}

static inline const void *task_site(const struct task *task)
{
    return (const void *)(uintptr_t)(atomic_load_explicit(&task->site, memory_order_relaxed) &
                                      ADDRESS_MASK);
}

static inline bool task_marked(const struct task *task, unsigned mark)
{
    return atomic_load_explicit(&task->marks, memory_order_relaxed) & mark;
}

/* There is no future, or it was dropped. */
static inline bool join_is_detached(uintptr_t join)
{
    return (join & 3) == JOIN_DETACHED;
}

/* The scope that is told how the task ends; NULL: none. */
static inline struct scope *join_scope(uintptr_t join)
{
    return join_is_detached(join) ? (struct scope *)(join - JOIN_DETACHED) : NULL;
}

static inline enum task_stage task_stage(const struct task *task)
{
    return atomic_load_explicit(&task->stage, memory_order_acquire);
}

static inline void task_set_stage(struct task *task, enum task_stage stage)
{
    atomic_store_explicit(&task->stage, (uint8_t)stage, memory_order_release);
}

/* Moves a task from one stage to another; false if somebody else has moved it. */
static inline bool task_move_stage(struct task *task, enum task_stage from, enum task_stage to)
{
    uint8_t expected = (uint8_t)from;
    return atomic_compare_exchange_strong_explicit(&task->stage, &expected, (uint8_t)to,
                                                   memory_order_acq_rel, memory_order_acquire);
}

/* True for a task that has not started and that nobody is about to start. */
static inline bool task_is_fresh(const struct task *task)
{
    enum task_stage stage = task_stage(task);
    return stage == STAGE_FRESH || stage == STAGE_LINKED;
}

/* True for one that runs, is ready or waits. */
static inline bool task_has_started(const struct task *task)
{
    enum task_stage stage = task_stage(task);
    return stage == STAGE_STARTED || stage == STAGE_TAKEN;
}

/* To be called before a fresh task goes into a list by its next, which one that runs would use,
 * too. False if it has been started meanwhile: the entry is stale. */
static inline bool task_link(struct task *task)
{
    return !task_has(task, TASK_FUTURE) || task_move_stage(task, STAGE_FRESH, STAGE_LINKED);
}

/* It is out of the list. */
static inline void task_unlink(struct task *task)
{
    task_set_stage(task, STAGE_FRESH);
}

static inline enum claim_state claim_state(uint64_t claim)
{
    return (enum claim_state)(claim % CLAIM_STATES);
}

/* The task's number, drawn when first asked for. Any thread. */
uint64_t run_id(struct run *run);

#endif
