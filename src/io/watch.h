/* Waiting until a descriptor is ready, in one direction or either, without reading or writing. */
#ifndef BINE_IO_WATCH_H
#define BINE_IO_WATCH_H

#include "io/descriptor.h"

/* One who looks at a descriptor. Lives in its memory. */
struct watch {
    struct use use;
    short events;            /* POLLIN, POLLOUT: what is looked for */
    struct wait node[SIDES]; /* stand for the one wait, in the lists of the sides looked at */
};

/* 0, -EBADF, -EINVAL (no events, or others), -ENOMEM. */
int watch_begin(struct watch *watch, int fd, short events);

/* Sees that the poller tells of it: 0, or what that says. Not for what is always ready. */
int watch_announce(struct watch *watch);

/* The events that are ready now, 0: none; -EBADF: it was closed. End, hang-up and error are all. */
int watch_ready(struct watch *watch);

/* Descriptor locked. Puts nodes for the wait where edges come. False: one has come since
 * watch_ready(), or it was closed. */
bool watch_enlist(struct watch *watch, const struct wait *wait);

/* Takes the nodes out again, whatever watch_enlist() said, and lets others have the edge that came.
 */
void watch_delist(struct watch *watch);

/* After that: true if an edge, or closing, has ended the wait. What came may be gone again. */
bool watch_was_woken(const struct watch *watch);

#endif
