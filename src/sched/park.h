/*
 * Waiting: the only door by which a task or plain thread waits for anything.
 *
 *     struct wait wait;
 *     wait_begin(&wait, "event", event, deadline);
 *     lock the queue
 *     if there is nothing to wait for: unlock; wait_abandon(&wait);
 *     put the wait into the queue
 *     int result = wait_park(&wait, unlock);
 *     if (result != 0) lock the queue, take the wait out if it is still in, unlock
 *
 * `unlock` is called with the wait once the waiter's stack is at rest; it calls wait_commit() and
 * then unlocks. Whoever ends the wait, the queue's lock held, takes it out of the queue, tries
 * wait_claim(), and if that succeeds calls wait_resume() after unlocking.
 *
 * One claim wins each wait: a grant, the deadline or a cancellation. Only the winner may write to
 * the waiter's memory, and nothing of it may be touched once it is resumed.
 */
#ifndef BINE_SCHED_PARK_H
#define BINE_SCHED_PARK_H

#include "sched/task.h"

struct wait {
    struct task *task; /* who waits */
    uint64_t armed;    /* its claim word while this wait can be ended */
    void *on;          /* what is waited on; constant */
    intptr_t word;     /* from the winner to the waiter */
    struct run *run;
    struct task *chosen;   /* the task to run next */
    struct timers *timers; /* that the timer is in; NULL: none */
    bool aborted;          /* found cancelled before it parked: it cannot be claimed */
    bool queued;           /* in a queue, where that asks; protected by its lock */
    struct timer timer;
    struct wait *next; /* the queue's */
    struct wait *prev; /* the queue's */
    int64_t since;     /* ns, coarse: when it began; only where the queue asks */
};

/* The calling task or plain thread. */
struct run *run_self(void);

/* True where the run's pool, or somebody with its future, has cancelled it. */
bool run_marked(const struct run *run);

/* True where a cancellation counts for the run now: one of those, or of a scope around it. */
bool run_cancelled(const struct run *run);

/* 0, or -ECANCELED or -ETIMEDOUT where the caller's waits fail now. */
int run_check(const struct run *run);

/* Stops the program where a deadline is a span given by mistake: a point in time before the runtime
 * started. */
void deadline_check(const char *call, int64_t deadline);

/* The runtime is in use from now on at the latest. */
int64_t runtime_begin(void);

/*
 * Begins a wait that a deadline, those around the caller among them, or a cancellation may end.
 * `what` names the kind of thing for dumps.
 */
void wait_begin(struct wait *wait, const char *what, const void *on, int64_t deadline);
/* Begins one that only a grant or this deadline ends. */
void wait_begin_firm(struct wait *wait, const char *what, const void *on, int64_t deadline);

/* Ends a wait that did not park. */
void wait_abandon(struct wait *wait);

/*
 * 0 (granted), -ETIMEDOUT or -ECANCELED. Between the begin and this the caller has done a locked
 * read-modify-write (the queue's lock) or a fence, which puts the two in order for those who
 * cancel.
 */
int wait_park(struct wait *wait, void (*commit)(void *wait));

/* From here on the wait can be claimed. */
static inline void wait_commit(struct wait *wait)
{
    /* release: pairs with the acquire in wait_claim(); what the waiter wrote is the winner's to
     * read. */
    if (likely(!wait->aborted))
        atomic_store_explicit(&wait->task->claim, wait->armed, memory_order_release);
}

/* Makes `alias` stand for a wait in a further queue: claiming it claims the wait. */
static inline void wait_alias(struct wait *alias, const struct wait *wait)
{
    alias->task = wait->task;
    alias->armed = wait->armed;
}

bool wait_claim_slowly(struct wait *wait);

/* Ends the wait, if nobody has. The wait must be valid memory: see the queue's lock. */
static inline bool wait_claim(struct wait *wait)
{
    uint64_t claim = wait->armed;
    uint64_t granted = (claim & ~(uint64_t)(CLAIM_STATES - 1)) | CLAIM_GRANTED;
    return likely(atomic_compare_exchange_strong_explicit(
               &wait->task->claim, &claim, granted, memory_order_acq_rel, memory_order_relaxed)) ||
           wait_claim_slowly(wait);
}

/* True while it can be claimed: a look, of which only the "no" lasts. The same holds. */
static inline bool wait_is_live(const struct wait *wait)
{
    return atomic_load_explicit(&wait->task->claim, memory_order_relaxed) == wait->armed;
}

/* Lets a claimed waiter go on. */
void wait_resume(struct task *task);

/* The same for many, linked by next. Tasks go behind those that are ready already. */
void wait_resume_all(struct task *list);

/*
 * Instead of that: makes a claimed waiter wait on, in another queue, which `further` is about to be
 * put into, that queue's lock held. `further` is in the waiter's frame; only a grant ends it.
 */
void wait_further(struct wait *wait, struct wait *further);

/* Ends a wait that its own commit finds to be over, instead of wait_commit(). */
void wait_grant(struct wait *wait);

/* Ends the waits whose deadlines have come. Any thread; where another is at it, nothing. */
void wait_run_timers(struct timers *timers, int64_t now);

/* The task or thread has just been cancelled (its mark, or what covers it, is set by a sequentially
 * consistent store): ends its wait, if a cancellation may end it. */
void task_interrupt(struct task *task);
/* The same for the one wait that `claim`, read from the task, belongs to. */
void task_interrupt_wait(struct task *task, uint64_t claim);
/* The same, and behind a shield too: for a scope that was opened there. */
void task_interrupt_sheltered(struct task *task, uint64_t claim);

#endif
