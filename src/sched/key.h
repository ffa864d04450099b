/* Values of a task's own. */
#ifndef BINE_SCHED_KEY_H
#define BINE_SCHED_KEY_H

#include "sched/task.h"

/* Destroys the values of a run that ends, by the keys' functions, and their array. */
void key_end_run(struct run *run);

#endif
