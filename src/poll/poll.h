/*
 * Readiness of descriptors, told as it changes. Knows no tasks.
 *
 * There is one poller for the process, since descriptors are the process's: tasks of any pool and
 * plain threads may use one. Events are edges: each is told once, to whoever asks first, and who
 * has fetched a batch must deliver it.
 *
 * Who asks: a worker without work, asleep in poller_wait() or while it searches; busy workers and
 * the monitor now and then, without waiting. At most one sleeps there at a time, the watcher.
 */
#ifndef BINE_POLL_POLL_H
#define BINE_POLL_POLL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    READY_IN = 1 << 0,  /* something can be read, or the end has come */
    READY_OUT = 1 << 1, /* something can be written, or the end has come */
    /* The peer has ended its side, an error is there, or urgent data: what comes on top of what is
     * there already may cause no further edge. */
    READY_LAST = 1 << 2,
    POLL_BATCH = 128 /* events fetched at a time */
};

struct poll_event {
    uint64_t key;   /* as it was given to poller_add() */
    uint32_t ready; /* READY_ bits */
};

struct poll_batch {
    int count;
    struct poll_event event[POLL_BATCH];
};

typedef void poll_deliver(const struct poll_batch *batch);

/*
 * Opens the poller `name`, where it is not open yet; `deliver` gets all events from now on, by
 * poller_deliver(). 0; -EINVAL: no such poller; -EMFILE, -ENOMEM, ... Any thread.
 */
int poller_open(const char *name, poll_deliver *deliver);

bool poller_is_open(void);

/*
 * Announces a descriptor's readiness, both directions, under the key until it is closed. What is
 * ready already is told at once. 0; -EEXIST: it is announced already; -EPERM: it is one that cannot
 * be asked, always ready; -EBADF, -ENOMEM, -ENOSPC.
 */
int poller_add(int fd, uint64_t key);

/* Ends that. Events that were fetched before may still be delivered. */
void poller_remove(int fd);

/* Fetches what is there; waits for it, until `deadline` (ns on the clock, INT64_MAX: for ever) at
 * most. Where it is 0 this only looks; to wait, be the watcher. A kick ends it, with nothing
 * fetched, perhaps. */
void poller_wait(struct poll_batch *batch, int64_t deadline);

/* Ends the sleep of who waits, or is about to. */
void poller_kick(void);

/* Hands on what was fetched. */
void poller_deliver(const struct poll_batch *batch);

/* The right to sleep in poller_wait(): one has it at a time. */
bool poller_take_watch(void);
void poller_give_watch(void);
bool poller_is_watched(void);

/* True if nobody sleeps there, and nobody has looked for a while. */
bool poller_is_due(int64_t now);

/* In the child of a fork: nothing is open any more. */
void poller_abandon(void);

#endif
