/*
 * What is around a task: the scopes and deadlines that its waits observe.
 *
 * A task (or plain thread) has a stack of levels, one for each scope and each block with a deadline
 * that it is in, innermost first. Below them lies what it was started in: a scope of somebody else,
 * with that scope's deadline. A shield hides all that was there when it went up.
 *
 *     what a wait looks at: run->deadline    the nearest deadline that counts now
 *                           run->inside      the innermost scope that counts now
 *                           marks and pool   unless shielded
 *
 * Scopes make a tree by which a cancellation comes down. The parent of a scope is what counted
 * around its owner when it was opened; a scope opened behind a shield has none while the shield is
 * up, and one with no scope around it hangs on its task.
 *
 * cover.c keeps the levels, cancel.c walks down, scope.c has the public calls.
 */
#ifndef BINE_SCHED_SCOPE_H
#define BINE_SCHED_SCOPE_H

#include "base/spinlock.h"
#include "sched/task.h"
#include <bine/scope.h>

/* A scope or a block with a deadline, in the frame of who has set it up. The owner's alone. */
struct level {
    struct level *outer; /* of the same run; NULL: none */
    int64_t own;         /* its deadline */
    int64_t around;      /* the nearest of it, those further out, and the run's base */
};

/* --- scopes --- */

/*
 * The word of a scope: flags, pins and tasks. A pin keeps it from going while somebody walks
 * through it, or while a call that it covers runs.
 */
enum {
    SCOPE_OPEN = 1 << 0,
    SCOPE_CLOSING = 1 << 1, /* its owner waits for it to be empty: without a task it is closed */
    SCOPE_WAITED = 1 << 2,  /* the owner is parked: who makes it empty takes this and wakes it */
    SCOPE_FULL = 1 << 3,    /* somebody waits for room: who ends a task looks */
};
#define SCOPE_PIN    (UINT64_C(1) << 4)
#define SCOPE_TASK   (UINT64_C(1) << 24)
#define SCOPE_INSIDE (~(SCOPE_PIN - 1)) /* the bits that count tasks and pins */

/* Waits for room, oldest first, linked by next and prev. */
struct room_list {
    struct wait *first, *last;
};

struct scope {
    /* Constant while it is open. */
    struct level level;
    struct scope *outer; /* the next one that its owner has opened; NULL: none */
    int64_t deadline;    /* the nearest of its own and those around it */
    int *error;          /* where BINE_SCOPE wants the result; NULL: nowhere */
    unsigned limit;      /* of its tasks; 0: none */
    uint32_t serial;     /* the how manieth of its owner */
    struct run *owner;

    _Atomic bool cancelled; /* written once, with the lock held */
    _Atomic bool settled;   /* and so are all inner scopes, or their deadlines have passed */
    bool sheltered;         /* opened behind the shield that is up; written with the lock held */
    bool attached;          /* in a list by `in`; the owner's */
    bool deeper;            /* its owner has another one inside it; protected by `lock` */
    struct spinlock lock;   /* protects the next five */
    int result;             /* what it was cancelled with */
    int64_t cancelled_at;   /* ns */
    int64_t late_until;     /* ns: when a task was left after a deadline; INT64_MIN: never */
    struct covered *inside; /* tasks that have waited */
    struct covered *inner;  /* scopes */
    struct covered in;      /* in the parent's or the task's list; protected by that list's lock */
    struct scope *parent;   /* NULL: none; the owner's */
    struct scope *walked;   /* in the list of who walks; the walker's */
    struct wait *closer;    /* the owner's wait while SCOPE_WAITED */
    struct spinlock room_lock; /* protects the next one */
    struct room_list room;

    _Atomic uint64_t word; /* flags, pins and tasks */
};
static_assert(sizeof(struct scope) <= sizeof(bine_scope), "it lives in a bine_scope");

static inline uint64_t scope_tasks(uint64_t word)
{
    return word / SCOPE_TASK;
}

/* --- scope.c --- */

/* Room locked. Takes the oldest waiter out that has not given up, claimed; NULL: there is none. */
struct wait *room_claim_first(struct room_list *room);
/* Room locked. Takes one out, if it is in. */
void room_remove(struct room_list *room, struct wait *wait);

/* Counts a task that is about to be started in the scope; waits for room where there is a limit.
 * 0, -ECANCELED, -ETIMEDOUT. */
int scope_admit(struct bine_scope *scope);

/* A task that was admitted has ended, or could not be started. `error`: what it failed with, or 0.
 * The last touch of the scope. */
void scope_end_task(struct scope *scope, int error);

/* The last touch of a scope that the caller has pinned. */
void scope_unpin(struct scope *scope);

/* --- cover.c --- */

/* The task that starts was started in this scope. */
void run_enter_scope(struct run *run, struct scope *scope);

/* Its function has returned: nobody finds it by way of that scope any more. Stops the program where
 * it has left a scope open. */
void run_leave_scopes(struct run *run);

/* It is about to wait: puts it into the list of the scope it was started in. */
void run_join_scope(struct run *run);

void level_push(struct run *run, struct level *level, int64_t deadline);
void level_pop(struct run *run, struct level *level);

/* Opens and closes a scope's place in the run. */
void run_push_scope(struct run *run, struct scope *scope, int64_t deadline);
void run_pop_scope(struct run *run, struct scope *scope);

/* In the child of a fork: what was around a task is around the thread that goes on. */
void run_adopt_cover(struct run *thread, const struct run *task);

/*
 * For a call that a run hands out and another worker may take: the call runs inside what was around
 * the run when it was handed out. The owner notes that in two words.
 */
struct cover {
    uint32_t serial; /* of the scopes that were open */
    bool shielded;
    int64_t deadline;
};

static inline struct cover run_cover(const struct run *run)
{
    return (struct cover){run->opened, run->shielded, run->deadline};
}

/* The one who took it: `child` is set up and about to be run. The parent cannot go before it has
 * joined it. */
void run_begin_covered(struct run *child, struct run *parent, struct cover cover);
/* The child's function has returned, and the parent cannot know yet. */
void run_end_covered(struct run *child);

/* --- cancel.c --- */

/* Cancels the scope, unless it is, with `result`, and ends the waits inside. Whoever does that, waits
 * inside that begin after this has returned fail. It must not go meanwhile. */
void scope_cancel(struct scope *scope, int result, int64_t at);

/* Its deadline has passed, which needs no telling. */
void scope_mark_late(struct scope *scope);

/* True where it was, by more than its deadline, which inner scopes have as theirs. */
bool scope_is_cancelled(struct scope *scope);

/* Puts an open scope into the tree. Cancels it where what is around it is cancelled. */
void scope_attach(struct scope *scope);
void scope_detach(struct scope *scope);

/* Puts a covered run under the task whose cancellation it observes, and takes it out. */
void task_add_covered(struct task *task, struct covered *covered);
void task_remove_covered(struct task *task, struct covered *covered);

/* The task has been asked to stop. */
void task_cancel(struct task *task);

/* Cancels the scopes that a task of the pool has opened. `pool`: NULL for any. */
void task_cancel_covered(struct task *task, const struct bine_pool *pool, int64_t at);

/* When the run was cancelled: ns; INT64_MIN for before it began. */
int64_t run_cancelled_at(const struct run *run);

/* Keeps the scopes of the task, and what it covers, where they are. */
void task_lock(struct task *task);
void task_unlock(struct task *task);

/* In the child of a fork. */
void cancel_abandon(void);

static inline void covered_add(struct covered **list, struct covered *covered)
{
    covered->next = *list;
    covered->back = list;
    if (covered->next)
        covered->next->back = &covered->next;
    *list = covered;
}

static inline void covered_remove(struct covered *covered)
{
    *covered->back = covered->next;
    if (covered->next)
        covered->next->back = covered->back;
}

#endif
