/* The end of the process: exit() and the destructors that it runs. */
#ifndef BINE_SCHED_EXIT_H
#define BINE_SCHED_EXIT_H

#include "sched/pool.h"

/* The process is in exit(): workers stop at their next pick. */
extern _Atomic bool process_ends;
/* The task that called exit(), pinned; NULL: a plain thread did, or nobody yet. */
extern _Atomic(struct task *) process_leaver;

/* Given to atexit(). */
void exit_stop_tasks(void);

/* True if the pool's workers need not stop. */
bool exit_spares(struct bine_pool *pool);

/* A destructor closes the pool: its tasks run to their ends. */
void exit_let_end(struct bine_pool *pool);

/* The caller, in exit() or not, is about to wait for `on`; true if tasks run because of that, until
 * exit_wait_ends(). */
bool exit_wait_begins(const void *on);
void exit_wait_ends(void);

/* The same where that is the task process_leaver, which waits; by its worker. */
void exit_leaver_waits(void);
/* A worker is about to run the task. */
void exit_note_run(const struct task *task);

#endif
