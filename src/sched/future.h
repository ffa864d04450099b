/* The end of a task, and who waits for it. */
#ifndef BINE_SCHED_FUTURE_H
#define BINE_SCHED_FUTURE_H

#include "sched/thread.h"
#include "sched/worker.h"

/* A task's function has returned: hands the result to the future's owner, or frees the record. */
void future_end(struct worker *worker, struct task *task, uintptr_t result);

/* Frees the record of a task that has ended, and whose result nobody wants any more. `worker`: the
 * caller's, or NULL. */
static inline void future_free(struct worker *worker, struct task *task)
{
    task_set_stage(task, STAGE_FREE);
    record_free(likely(worker != NULL) ? &worker->records : thread_records(), task);
}
/*
 * Several waits in one, as bine_await_any and select have: the wait is put into the joins of tasks in
 * its commit, and taken out of all of them before it ends.
 */

/* True if the task has ended; its result stays with the future. */
bool future_has_ended(const struct task *task);
/* Puts the wait into the task's join. False if the task has ended. */
bool future_register(struct task *task, struct wait *wait);
/* Takes it out, or waits until the ender is done with it. */
void future_forget(struct task *task, struct wait *wait);

/* Frees what a task had beyond its record. */
void task_more_free(struct task_more *more);

/* Undoes what is left of bine_pin and the pinned option at the task's end. */
void run_release_pins(struct run *run);

#endif
