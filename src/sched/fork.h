/*
 * What forked children need of the scheduler. They are a later layer's: src/parallel/fork.c, which
 * hands its functions down at the first fork.
 */
#ifndef BINE_SCHED_FORK_H
#define BINE_SCHED_FORK_H

#include "sched/deque.h"
#include "sched/worker.h"

struct fork_hooks {
    /* Makes tasks of the children in the calling thread's deque, which are in nobody's hands. */
    void (*settle)(struct deque *deque);
    /* A child from another thread's deque, as a task to be started; NULL: there is none. `insists`:
     * also from owners that do not answer. */
    struct task *(*steal)(struct worker *thief, bool insists);
    /* True if a plain thread has children for the pool's workers that nobody has taken. Any thread. */
    bool (*guests_wait)(const struct bine_pool *pool);
    /* In the child of a fork(2). */
    void (*abandon)(void);
};
extern _Atomic(const struct fork_hooks *) fork_hooks; /* NULL until something is forked */

/* Stands for the deque of threads that have none: closed to all short ways. Many threads may be on
 * their way through it, so its head means nothing. */
extern struct deque fork_no_deque;

/* The calling thread's deque; parallel.h reads it by this name. */
extern __thread struct deque *bine_forks_1_ __attribute__((tls_model("initial-exec")));

/* Read anew each time, as worker_self(). */
#if defined(__x86_64__)
static inline struct deque *deque_self(void)
{
    struct deque *deque;
    __asm__ volatile("movq bine_forks_1_@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(deque));
    return deque;
}
#else
struct deque *deque_self(void);
#endif

/* True where its owner has unjoined children in it. */
static inline bool deque_has_children(struct deque *deque)
{
    return unlikely(!deque_is_empty(deque)) && deque != &fork_no_deque;
}

static inline const struct fork_hooks *fork_get_hooks(void)
{
    return atomic_load_explicit(&fork_hooks, memory_order_acquire);
}

/* The task or plain thread that runs now is about to leave its thread to others, or the deadlines,
 * scopes or shield around it are about to change: its unjoined children must not be found there. */
static inline void fork_settle(void)
{
    struct deque *deque = deque_self();
    if (deque_has_children(deque))
        fork_get_hooks()->settle(deque);
}

/* The same for a task of the worker's, which the caller is. */
static inline void fork_settle_on(struct worker *worker)
{
    struct deque *deque = atomic_load_explicit(&worker->deque, memory_order_relaxed);
    if (unlikely(deque && !deque_is_empty(deque)))
        fork_get_hooks()->settle(deque);
}

/* False where the worker's task ends and has not joined all that it has forked. */
static inline bool fork_is_settled(const struct worker *worker)
{
    struct deque *deque = atomic_load_explicit(&worker->deque, memory_order_relaxed);
    return likely(!deque || !deque_has_children(deque));
}

static inline struct task *fork_steal(struct worker *thief, bool insists)
{
    const struct fork_hooks *hooks = fork_get_hooks();
    return unlikely(hooks != NULL) ? hooks->steal(thief, insists) : NULL;
}

static inline bool fork_guests_wait(const struct bine_pool *pool)
{
    const struct fork_hooks *hooks = fork_get_hooks();
    return unlikely(hooks != NULL) && hooks->guests_wait(pool);
}

/* True if the worker's deque has children that nobody has taken. Any thread. */
static inline bool fork_has_untaken(const struct worker *worker)
{
    struct deque *deque = atomic_load_explicit(&worker->deque, memory_order_acquire);
    return deque && deque_has_untaken(deque);
}

#endif
