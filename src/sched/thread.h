/* Plain threads as users of the primitives: each has a record and a run, as a task has. */
#ifndef BINE_SCHED_THREAD_H
#define BINE_SCHED_THREAD_H

#include "sched/record.h"

/* The calling plain thread's run. Made on first use. */
struct run *thread_run(void);

/* In the child of a fork: what was a task goes on as a plain thread, with the task's record, so that
 * it still holds what it held. */
void thread_adopt(const struct run *run);

/* In the child of a fork by a plain thread: the tasks of its scopes are left behind. */
void thread_leave_tasks(void);

/* Free records for what the calling plain thread starts. */
struct record_cache *thread_records(void);


#endif
