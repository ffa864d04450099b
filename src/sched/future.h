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

/* Frees what a task had beyond its record. */
void task_more_free(struct task_more *more);

/* Undoes what is left of bine_pin and the pinned option at the task's end. */
void run_release_pins(struct run *run);

#endif
