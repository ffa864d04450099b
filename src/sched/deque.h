/*
 * A thread's forked children that nobody has taken yet, in the order of their forking. The owner
 * works at the new end, with plain loads and stores; thieves take from the old end. See deque.c.
 */
#ifndef BINE_SCHED_DEQUE_H
#define BINE_SCHED_DEQUE_H

#include "base/spinlock.h"

struct run;

enum { DEQUE_PLACES = 1024 /* more children at once go into the queues of tasks */ };

/* A place for a child, and a position among them. */
typedef void *_Atomic deque_place;

struct deque {
    /* What parallel.h knows as struct bine_forks_. The owner writes head; limit and split are written
     * with the lock held. */
    _Atomic(deque_place *) head;  /* where the next child goes */
    _Atomic(deque_place *) limit; /* the short fork puts no child here or above */
    _Atomic(deque_place *) split; /* the short join takes no child from below */

    /* The thieves' side: written with the lock held, read without it as hints. */
    _Alignas(CACHE_LINE) struct spinlock lock;
    _Atomic bool occupied;       /* head is above the base */
    _Atomic bool asked;          /* a thief found nothing: the owner is to share some */
    bool exposing;               /* a thief waits for his membarrier: split stays closed */
    _Atomic(deque_place *) tail; /* children below are taken */
    _Atomic(deque_place *) end;  /* from tail to here they are shared; above, private */
    struct run *run;             /* whose children these are, while there are any */
    _Atomic uint32_t thefts;     /* children that thieves have taken, ever */
    _Atomic uint32_t number;     /* another one each time the oldest shared child is new */
    _Atomic uint32_t seen;       /* the number that a thief saw last; thieves write it and the next */
    _Atomic int64_t seen_at;     /* ns: when that was first seen */

    _Alignas(CACHE_LINE) deque_place place[1 + DEQUE_PLACES]; /* the first is never used */
};

/* Readies an empty one. */
void deque_init(struct deque *deque);

/* In the child of a fork(2): owned by its one thread, whatever thieves were at. */
void deque_abandon(struct deque *deque);

/* --- owner --- */

static inline deque_place *deque_base(struct deque *deque)
{
    return deque->place + 1;
}

static inline bool deque_is_empty(struct deque *deque)
{
    return atomic_load_explicit(&deque->head, memory_order_relaxed) == deque_base(deque);
}

/* Puts a child of `run` in. False where there is no room. */
bool deque_push(struct deque *deque, void *child, struct run *run);

/* What deque_pop() has found. */
enum deque_found {
    DEQUE_OWN,    /* it was still there and is the caller's to run */
    DEQUE_TAKEN,  /* a thief has it */
    DEQUE_ABSENT, /* the deque is empty: deque_clear() has taken it out */
    DEQUE_OTHER,  /* another one was forked last and has not been joined */
};

/* Takes the newest child out, which should be this one. The caller has lowered head by one. */
enum deque_found deque_pop(struct deque *deque, const void *child);

/* Takes all children out. Those that no thief has, `count` of them, lie in the places from the one
 * returned on, oldest first, until the next push. */
deque_place *deque_clear(struct deque *deque, unsigned *count);

/* True if a thief waits for the owner to share something. */
static inline bool deque_is_asked(struct deque *deque)
{
    return atomic_load_explicit(&deque->asked, memory_order_relaxed);
}

/* Children, from the oldest, that no thief has: more than none? */
bool deque_has_untaken(struct deque *deque);

/* --- thieves --- */

/* Worth a deque_steal(): there is something shared. */
static inline bool deque_has_shared(struct deque *deque)
{
    return atomic_load_explicit(&deque->tail, memory_order_relaxed) <
           atomic_load_explicit(&deque->end, memory_order_relaxed);
}

/* True if the oldest shared child has been so for a while: else its owner is likely to join it sooner than a
 * thief could run it. `now`: ns. */
bool deque_has_aged(struct deque *deque, int64_t now);

/*
 * Takes the oldest shared child: `take` is called with it and the run that has forked it, the lock
 * held, which keeps that run from joining the child, waiting, and changing what is around it.
 * False where there is none, or somebody else is at it.
 */
bool deque_steal(struct deque *deque, void (*take)(void *context, void *child, struct run *parent),
                 void *context);

/* Asks the owner to share, which it does at its next fork or join. */
void deque_ask(struct deque *deque);

/* Shares children of an owner that does not answer, for it is in a long call. Costs the caller some
 * 15 us, and a running owner some 10. True if there is something to steal now. */
bool deque_expose(struct deque *deque);

#endif
