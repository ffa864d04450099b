/*
 * Descriptors in select: what who serves them (io) provides.
 *
 * A case on a descriptor has an entry, io's, from begin() to end(). Its lock is one of those that a
 * select holds from its last look to the commit, so announcing an event is as with any queue: with
 * the lock held take a wait out, claim it, and resume it once the lock is released.
 */
#ifndef BINE_CHAN_SELECT_H
#define BINE_CHAN_SELECT_H

#include "base/spinlock.h"
#include "sched/park.h"

struct select_fd_calls {
    /* The first, no lock held; does all that can fail. 0, or -errno with which the select fails.
     * After 0, end() follows. */
    int (*begin)(int fd, short events, void **entry);
    void (*end)(void *entry);

    /* No lock held. The events that are ready now; 0: none; -errno with which the select fails. */
    int (*ready)(void *entry);

    /* The lock that announcing an event takes. Several entries may have the same. */
    struct spinlock *(*lock_of)(void *entry);

    /* Lock held. Puts nodes that stand for the wait where events are announced. False: one has come
     * since ready(), and the select looks again. */
    bool (*enlist)(void *entry, const struct wait *wait);

    /* No lock held. After each enlist(), whatever it returned: takes the nodes out again. */
    void (*delist)(void *entry);
};

/* Until this is called a case on a descriptor gives -EINVAL. */
void select_set_fd_calls(const struct select_fd_calls *calls);

#endif
