/* The end of a task, and who waits for it. */
#ifndef BINE_SCHED_FUTURE_H
#define BINE_SCHED_FUTURE_H

#include "sched/worker.h"

/* A task's function has returned: hands the result to the future's owner, or frees the record. */
void future_end(struct worker *worker, struct task *task, uintptr_t result);

/* Frees what a task had beyond its record. */
void task_more_free(struct task_more *more);

/* Undoes what is left of bine_pin and the pinned option at the task's end. */
void run_release_pins(struct run *run);

#endif
