/*
 * A worker's queues of tasks, and how others get at them.
 *
 * Only the owner uses the queues, between runq_enter() and runq_leave(), which cost no locked
 * operation. Who wants tasks from them asks, and the owner answers at its next entry; who gets no
 * answer keeps the owner out by a membarrier and helps himself. See runq.c.
 */
#ifndef BINE_SCHED_RUNQ_H
#define BINE_SCHED_RUNQ_H

#include "base/spinlock.h"
#include "sched/task.h"

enum {
    RING_SIZE = 256,    /* ready tasks; more go to the pool's global queue, half a ring at a time */
    MOST_STOLEN = 128,  /* tasks taken from another worker at a time */
};

/* Bits of `want`: what others want of the owner. */
enum {
    WANT_LOCKED = 1 << 0, /* a thief helps himself: stay out */
    WANT_ASKED = 1 << 1,  /* a thief asks for tasks */
    WANT_OLDEST = 1 << 2, /* at the next pick, run the oldest fresh task */
    WANT_LOOK = 1 << 3,   /* at the next pick, look at the worker's inbox and seat */
    WANT_LOCK = 1 << 4,   /* always set where there is no membarrier: the owner takes the lock */
    WANT_NUMBER = 1 << 8, /* from here up: the number of the question, so that no thief takes another
                             one's for his own */
    WANT_AT_ENTRY = WANT_LOCKED | WANT_ASKED | WANT_LOCK,
    WANT_AT_PICK = WANT_OLDEST | WANT_LOOK,
};

/* Tasks on their way from one worker to another. */
struct loot {
    _Atomic int count;              /* -1 while asked for and not answered */
    bool fresh;                     /* all have not started; else all are ready */
    struct task *task[MOST_STOLEN]; /* oldest first */
};

struct runq {
    /* The owner's way in and out. */
    union {
        struct {
            _Atomic uint32_t busy; /* 1 while the owner is inside */
            struct spinlock lock;  /* stands for that where there is no membarrier */
        };
        _Atomic uint64_t both;     /* the owner leaves, whatever the way, by one store */
    };
    _Atomic uint32_t want;        /* WANT_ bits, set by others */
    _Atomic(struct loot *) asker; /* where the thief that asks wants his tasks; NULL: nobody asks */

    /* Written inside only; the atomic ones are read by others as hints. */
    _Atomic uint32_t head, tail;             /* of ring, oldest at head; they count up and wrap */
    _Atomic(struct task *) slot;             /* the one woken last, runs first; NULL: none */
    _Atomic uint32_t fresh_head, fresh_tail; /* of fresh, oldest at head */
    uint32_t fresh_mask;                     /* its size, a power of two, minus 1 */
    uint32_t fresh_easy;                     /* so many fresh tasks or fewer: one more only needs
                                                to be pushed; the owner's alone */
    struct task **fresh;                     /* not yet started; its size grows */
    _Atomic uint32_t picks;                  /* counts what the owner has picked */

    struct task *ring[RING_SIZE]; /* ready */
};

/* True where thieves can use membarrier. Set once, before the first worker. */
extern bool runq_by_membarrier;
void runq_setup(void);

/* 0 or -ENOMEM. */
int runq_init(struct runq *runq);

/* Owner, outside. Makes room for more fresh tasks: 0 or -ENOMEM. */
int runq_grow(struct runq *runq);

/* Does what WANT_AT_ENTRY asks for. Called with busy set, and returns so. */
void runq_answer(struct runq *runq);

/*
 * Takes the older half of another worker's tasks. Waits up to some 60 us. A task in the slot is
 * taken only when the owner has picked nothing for 5 us. Returns how many are in the loot.
 */
int runq_rob(struct runq *victim, struct loot *loot);

#define RUNQ_READ(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define RUNQ_WRITE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static inline void runq_enter(struct runq *runq)
{
    RUNQ_WRITE(runq->busy, 1);
    /* The thief's membarrier stands between his store to want and his look at busy; so only the
     * compiler must keep this order. */
    atomic_signal_fence(memory_order_seq_cst);
    /* acquire: pairs with the release that clears WANT_LOCKED in let_in(). */
    if (unlikely(atomic_load_explicit(&runq->want, memory_order_acquire) & WANT_AT_ENTRY))
        runq_answer(runq);
}

static inline void runq_leave(struct runq *runq)
{
#if defined(BINE_TSAN) /* which knows atomic objects of one size */
    spin_unlock(&runq->lock);
#else
    /* release: pairs with the acquire in keep_out(), and in spin_try_lock(). */
    atomic_store_explicit(&runq->both, 0, memory_order_release);
#endif
}

/* The hints below are exact inside. */
static inline uint32_t runq_ready_count(const struct runq *runq)
{
    return RUNQ_READ(runq->tail) - RUNQ_READ(runq->head);
}

static inline uint32_t runq_fresh_count(const struct runq *runq)
{
    return RUNQ_READ(runq->fresh_tail) - RUNQ_READ(runq->fresh_head);
}

static inline uint32_t runq_count(const struct runq *runq)
{
    return runq_ready_count(runq) + runq_fresh_count(runq) + (RUNQ_READ(runq->slot) != NULL);
}

/* --- owner, inside --- */

static inline bool runq_ring_full(const struct runq *runq)
{
    return runq_ready_count(runq) == RING_SIZE;
}

/* There must be room. */
static inline void runq_push_ready(struct runq *runq, struct task *task)
{
    uint32_t tail = RUNQ_READ(runq->tail);
    runq->ring[tail % RING_SIZE] = task;
    RUNQ_WRITE(runq->tail, tail + 1);
}

/* Asks the cache for what resuming the task will touch first. */
static inline void runq_prefetch(const struct task *task)
{
    __builtin_prefetch(task->sp);
    __builtin_prefetch((char *)task->sp + CACHE_LINE);
}

/* The same for those behind the first. */
static inline void runq_prefetch_later(const struct runq *runq, uint32_t head)
{
    if (runq_ready_count(runq) > 2)
        runq_prefetch(runq->ring[(head + 2) % RING_SIZE]);
    if (runq_ready_count(runq) > 4)
        __builtin_prefetch(runq->ring[(head + 4) % RING_SIZE]);
}

static inline struct task *runq_pop_ready(struct runq *runq)
{
    uint32_t head = RUNQ_READ(runq->head);
    if (head == RUNQ_READ(runq->tail))
        return NULL;
    struct task *task = runq->ring[head % RING_SIZE];
    runq_prefetch_later(runq, head);
    RUNQ_WRITE(runq->head, head + 1);
    return task;
}

static inline struct task *runq_pop_slot(struct runq *runq)
{
    struct task *task = RUNQ_READ(runq->slot);
    if (task)
        RUNQ_WRITE(runq->slot, NULL);
    return task;
}

/* Returns false where there is no room: see runq_grow(). */
static inline bool runq_push_fresh(struct runq *runq, struct task *task)
{
    uint32_t tail = RUNQ_READ(runq->fresh_tail);
    if (unlikely(tail - RUNQ_READ(runq->fresh_head) > runq->fresh_mask))
        return false;
    runq->fresh[tail & runq->fresh_mask] = task;
    RUNQ_WRITE(runq->fresh_tail, tail + 1);
    return true;
}

static inline struct task *runq_newest_fresh(const struct runq *runq)
{
    uint32_t tail = RUNQ_READ(runq->fresh_tail);
    return tail == RUNQ_READ(runq->fresh_head) ? NULL : runq->fresh[(tail - 1) & runq->fresh_mask];
}

/* There must be one. */
static inline void runq_drop_newest_fresh(struct runq *runq)
{
    RUNQ_WRITE(runq->fresh_tail, RUNQ_READ(runq->fresh_tail) - 1);
}

static inline struct task *runq_pop_newest_fresh(struct runq *runq)
{
    struct task *task = runq_newest_fresh(runq);
    if (task)
        runq_drop_newest_fresh(runq);
    if (runq_fresh_count(runq) > 4)
        __builtin_prefetch(runq->fresh[(RUNQ_READ(runq->fresh_tail) - 4) & runq->fresh_mask], 1);
    return task;
}

static inline struct task *runq_pop_oldest_fresh(struct runq *runq)
{
    uint32_t head = RUNQ_READ(runq->fresh_head);
    if (head == RUNQ_READ(runq->fresh_tail))
        return NULL;
    RUNQ_WRITE(runq->fresh_head, head + 1);
    return runq->fresh[head & runq->fresh_mask];
}

/* The owner has turned to another task. */
static inline void runq_count_pick(struct runq *runq)
{
    RUNQ_WRITE(runq->picks, RUNQ_READ(runq->picks) + 1);
}

#endif
