/*
 * What the program's own threads were like before bine: a worker masks signals and wakes more
 * precisely, and a program that is started from one must not inherit that.
 */
#ifndef BINE_SCHED_ORIGIN_H
#define BINE_SCHED_ORIGIN_H

#include <signal.h>

/* Called once, on the plain thread that uses bine first. */
void origin_note(void);

/* The caller's signal mask and timer slack (ns) where it is a plain thread, else those that were
 * noted. */
void origin_of_caller(sigset_t *mask, long *timer_slack);

/* In the child of a fork by a worker: gives its one thread the timer slack back that was noted. */
void origin_restore_timer_slack(void);

#endif
