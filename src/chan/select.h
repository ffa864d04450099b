/*
 * Descriptors in select: what who serves them (io) provides.
 *
 * A case on a descriptor has a struct select_fd while its select runs. Who announces an event takes
 * &fd->wait out of where enlist() put it, tries wait_claim(), and if that succeeds calls
 * wait_resume(). Nobody says which case it was: select asks.
 */
#ifndef BINE_CHAN_SELECT_H
#define BINE_CHAN_SELECT_H

#include "sched/park.h"

struct select_fd {
    struct wait wait; /* stands for the select's own: task and armed are set before enlist(); next,
                       * prev, word, since and queued are io's */
    int fd;
    short events; /* as the user gave them */
    short came;   /* events that delist() reported; select's */
    void *entry;  /* io's */
};

struct select_fd_calls {
    /* The first, no lock held. 0, or -errno with which the select fails. After 0, end() follows. */
    int (*begin)(struct select_fd *fd);
    void (*end)(struct select_fd *fd);

    /* The events that are ready now; 0: none. Neither waits nor takes a lock under which somebody
     * claims. */
    short (*ready)(struct select_fd *fd);

    /* In the commit of the wait, with locks held: who claims now looks again until the commit is
     * done, so this must not wait for him. False: an event is there already. */
    bool (*enlist)(struct select_fd *fd);

    /* After each enlist(), whatever it returned, and before the select returns: takes it out, or
     * waits until who claims it is done with it. The events that have come; 0: none. */
    short (*delist)(struct select_fd *fd);
};

/* Until this is called a case on a descriptor gives -EINVAL. */
void select_set_fd_calls(const struct select_fd_calls *calls);

#endif
