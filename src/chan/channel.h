/*
 * Channels as select sees them: what can be done with a channel while its lock is held.
 *
 * chan_send() and chan_receive() do all that may happen at once; what must wait until the lock is
 * released they leave in a struct aftermath.
 */
#ifndef BINE_CHAN_CHANNEL_H
#define BINE_CHAN_CHANNEL_H

#include "base/spinlock.h"
#include "chan/buffer.h"
#include "sched/park.h"
#include <bine/chan.h>

/* One entry in a channel's queue: in the frame of who sends or receives, or of who selects. */
struct waiter {
    struct waiter *next;
    struct waiter *prev; /* of the first: the last */
    struct wait *wait;   /* which the winner claims; several waiters may share it */
    void *value;         /* of a sender: the value; of a receiver: where it goes, or NULL */
    int result;          /* from the winner: 0 or -EPIPE */
    bool queued;         /* protected by the channel's lock */
    uint32_t value_size; /* the channel's, for who may not look there any more; only of a select */
};

/* First in, first out. */
struct queue {
    _Atomic(struct waiter *) first; /* written with the channel's lock held */
};

typedef void closing_function(struct bine_chan *ch);

struct bine_chan {
    struct spinlock lock; /* protects all that has no other comment */
    uint32_t value_size;  /* constant */
    size_t capacity;      /* constant; BINE_UNBOUNDED */
    _Atomic size_t count; /* values in the buffer; written with the lock held */
    struct queue senders, receivers;
    _Atomic bool closed; /* written with the lock held */
    struct buffer buffer;
    void (*drop)(void *value);            /* NULL: nothing to be done */
    _Atomic(closing_function *) on_close; /* NULL: nothing to be done, or begun */
    _Atomic size_t references;
    void *memory; /* what this lies in */
};

/* What is left to do once the channel's lock is released. */
struct aftermath {
    struct task *resume; /* a claimed waiter; NULL: none */
    struct chunk *empty; /* to be freed; NULL: none */
};

/* What is called once, without a lock, by the first who closes the channel, before it is closed; or
 * before it is freed, where nobody has closed it. Set before the channel is shared. */
void chan_on_close(struct bine_chan *ch, closing_function *closing);

void chan_lock(struct bine_chan *ch);
/* The last touch of the channel, which may be gone after it. */
void chan_unlock(struct bine_chan *ch);
void chan_finish(const struct aftermath *aftermath);

/* False: such an operation would have to wait. True: it need not, or the lock will tell. */
bool chan_may_send(const struct bine_chan *ch);
bool chan_may_receive(const struct bine_chan *ch);

/* Makes room in an unbounded channel: 0 or -ENOMEM. Lock not held. */
int chan_grow(struct bine_chan *ch);

/* --- lock held --- */

/* 0, -EPIPE, -EAGAIN (would have to wait), -ENOBUFS (unbounded: chan_grow() first). */
int chan_send(struct bine_chan *ch, const void *value, struct aftermath *aftermath);
/* 0, -EPIPE, -EAGAIN. */
int chan_receive(struct bine_chan *ch, void *value, struct aftermath *aftermath);

void queue_append(struct queue *queue, struct waiter *waiter);
/* Takes a waiter out, if it is still in. */
void queue_remove(struct queue *queue, struct waiter *waiter);

#endif
