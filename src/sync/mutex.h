/* What a condition variable asks of the mutex beside the public calls. */
#ifndef BINE_SYNC_MUTEX_H
#define BINE_SYNC_MUTEX_H

#include "sched/park.h"
#include <bine/sync.h>

bool mutex_is_held_by(const bine_mutex *mutex, const struct task *task);

/* Unlocks it for its owner, who may be at rest. Returns whom the caller is to resume, or NULL. */
struct task *mutex_release(bine_mutex *mutex, const struct task *owner);

/*
 * Makes a claimed waiter wait for the mutex, as `further`, behind those that were put there before,
 * or lets it go on where it need not. The mutex outlives the call, for the waiter is to lock it.
 */
void mutex_pass_waiter(bine_mutex *mutex, struct wait *wait, struct wait *further);

/* Locks it for the caller, who has come back from such a wait. */
void mutex_lock_passed(bine_mutex *mutex, const struct wait *further);

#endif
