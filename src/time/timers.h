/* Timers in the order of their deadlines. Knows no tasks: what a timer does is the caller's. */
#ifndef BINE_TIME_TIMERS_H
#define BINE_TIME_TIMERS_H

#include "base/spinlock.h"
#include <stddef.h>

/* Lives in its owner's memory, which must not go before timers_remove() or its firing. */
struct timer {
    int64_t deadline;    /* ns */
    size_t position;     /* in the heap from 1 on; 0: in no heap; protected by timers->lock */
    struct timer *next;  /* in timers->strays; protected by timers->lock */
    struct timer **back; /* what points at it there, NULL where it is no stray */
};

struct timer_slot {
    int64_t deadline;
    struct timer *timer;
};

/* All-zero but for `earliest` is an empty set: see timers_init(). */
struct timers {
    struct spinlock lock;      /* protects all below */
    struct timer_slot *slots;  /* a 4-ary heap, from 1 on */
    void *memory;              /* of the slots */
    size_t count, capacity;    /* timers in the heap, and room for */
    struct timer *strays;      /* those that found no memory in the heap, in no order */
    _Atomic int64_t earliest;  /* deadline of the first one, INT64_MAX if none; read without lock */
};

void timers_init(struct timers *timers);
void timers_destroy(struct timers *timers); /* must be empty */

/* Cannot fail: a timer that finds no memory is kept in a list instead. */
void timers_add(struct timers *timers, struct timer *timer);

/* Takes a timer out if it has not fired. Once this returns nobody touches it any more. */
void timers_remove(struct timers *timers, struct timer *timer);

static inline int64_t timers_earliest(const struct timers *timers)
{
    return atomic_load_explicit(&timers->earliest, memory_order_relaxed);
}

/*
 * Calls fire(timer, context) on the timers that are due at `now`, lock held, 128 of them at most: others
 * want the lock, and the caller has more to do. Those it returns true for are out of the set, and not
 * touched any more. At the first false it stops: that one stays. Returns without doing anything where
 * somebody else holds the lock.
 */
void timers_run(struct timers *timers, int64_t now, bool (*fire)(struct timer *, void *context),
                void *context);

#endif
