/* Which task a worker runs next, and where a task goes that can run. See pick.c. */
#ifndef BINE_SCHED_PICK_H
#define BINE_SCHED_PICK_H

#include "sched/worker.h"

/* A list of tasks, linked by next, the other way round. */
struct task *task_reverse(struct task *list);

/* --- making tasks runnable --- */

/* Makes a task that waits, and whose wait the caller has claimed, runnable: the next one of the
 * caller's worker where that is in its pool. Any thread. */
void task_make_ready(struct task *task);
/* The same, behind those that are ready already. */
void task_make_ready_behind(struct task *task);
/* The same for many, linked by next. */
void task_make_all_ready(struct task *list);

void worker_wake_if_worth(struct worker *worker, uint32_t queued);

/* Queues a task that the owner has made. 0 or -ENOMEM. */
int worker_push_fresh(struct worker *worker, struct task *task);

/* The same where it takes nothing but to push it, as it mostly does; else false, and nothing is
 * done. */
static inline bool worker_push_fresh_easily(struct worker *worker, struct task *task)
{
    struct runq *runq = &worker->runq;
    runq_enter(runq);
    uint32_t tail = RUNQ_READ(runq->fresh_tail);
    bool easy = tail - RUNQ_READ(runq->fresh_head) < runq->fresh_easy;
    if (likely(easy)) {
        runq->fresh[tail & runq->fresh_mask] = task;
        RUNQ_WRITE(runq->fresh_tail, tail + 1);
    }
    runq_leave(runq);
    return easy;
}

/* Tells a worker to look at its inbox and its seat. Any thread. */
void worker_call(struct worker *worker);

/* --- picking; owner --- */

/* True if what was picked is to be started; else it is to be resumed. */
static inline bool task_needs_start(const struct task *task)
{
    return task_stage(task) == STAGE_STARTING;
}

/* The next task to run, from the worker's queues or the global one; NULL: none. */
struct task *worker_pick(struct worker *worker);

/* The same where no stack is to be had: only one that has its own. */
struct task *worker_pick_ready(struct worker *worker);

/* Takes a task that has come out of a queue, a list or a hand: to be started or resumed. NULL, and
 * the entry is dealt with, if somebody else has started it. */
struct task *worker_admit(struct worker *worker, struct task *task, bool fresh);
/* Deals with an entry, taken out of a queue, of a task that was started by who awaits it. */
void worker_drop_stale(struct worker *worker, struct task *task);
/* The same for all that a worker without tasks has left in its queue. */
void worker_drop_all_stale(struct worker *worker);

/* A ready task to go on with when the caller parks, taken out of its queue; NULL: none at hand. */
struct task *worker_choose_next(struct worker *worker);
/* Puts back what was chosen in vain. */
void worker_unchoose(struct worker *worker, struct task *next);

/* True if the next pick has more to do than to take a task. Counts as a pick. */
bool worker_is_due(struct worker *worker);
/* Inside. Takes a ready task and queues `task` behind the others; NULL: there is none. */
struct task *worker_swap_ready(struct worker *worker, struct task *task);

/* Takes from the queues of a worker without a seat, whose task is stuck, or NULL: idle.c. */
struct task *worker_rescue(struct worker *worker);

/* Queues tasks that came from the global queue, oldest first, linked by next. */
void worker_keep(struct worker *worker, struct task *list, bool fresh);
/* Queues one that came from elsewhere, fresh (and not linked) or ready. */
void worker_keep_one(struct worker *worker, struct task *task, bool fresh);
/* Queues one that was picked to be started. */
void worker_keep_for_later(struct worker *worker, struct task *task);

/* Reads the clock and reckons how long tasks run of late. */
void worker_sample(struct worker *worker);

/* The worker comes from sleep: that time is no task's. */
void worker_restart_clock(struct worker *worker, int64_t now);

#endif
