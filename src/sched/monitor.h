/* The thread that watches the workers: see monitor.c. */
#ifndef BINE_SCHED_MONITOR_H
#define BINE_SCHED_MONITOR_H

#include <stdint.h>

/* A worker is about to run tasks: the monitor watches from now on. Cheap where it does already. */
void monitor_arm(void);

/* Somebody has said that its task will block: the monitor looks at once. */
void monitor_hurry(void);

/* A plain thread begins or ends (-1) to wait for a descriptor: while it does, somebody looks. */
void monitor_count_waiting_thread(int change);

/* In the child of a fork: there is no monitor any more. */
void monitor_abandon(void);

#endif
