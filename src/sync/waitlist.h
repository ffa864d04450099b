/*
 * A list of waits that hangs on one word of an object, for primitives of two words. The word's
 * lowest bits are a spin lock and a note that the list is not empty; the rest is the owner's.
 */
#ifndef BINE_SYNC_WAITLIST_H
#define BINE_SYNC_WAITLIST_H

#include "base/spinlock.h"
#include "sched/park.h"

enum {
    LIST_LOCKED = 1 << 0,  /* somebody uses the list */
    LIST_WAITERS = 1 << 1, /* it is not empty; written with the lock held */
    LIST_BITS = 2,
};

typedef _Atomic uintptr_t list_word;

/* The first wait points at the last by prev, and the last at none by next. */
struct waitlist {
    struct wait *first;
};

/* Takes the lock; returns the word as it is now. */
uintptr_t waitlist_lock(list_word *word);

/* Releases it. The store is the last touch of the object. */
void waitlist_unlock(list_word *word, const struct waitlist *list);

/* --- lock held --- */

void waitlist_append(struct waitlist *list, struct wait *wait);
void waitlist_prepend(struct waitlist *list, struct wait *wait);

/* Takes a wait out; false if it is out already. */
bool waitlist_remove(struct waitlist *list, struct wait *wait);

/* Takes a wait out. Unless it had given up, it is claimed and goes to the end of a list of such. */
bool waitlist_claim(struct waitlist *list, struct wait *wait, struct wait ***end);

/* Takes the oldest wait out that has not given up, claimed; NULL: there is none. */
struct wait *waitlist_claim_first(struct waitlist *list);

/* Takes all out; those that had not given up are claimed and returned, linked by next. */
struct wait *waitlist_claim_all(struct waitlist *list);

/* --- lock not held --- */

/* How an object begins whose waiters stand in one list, `on` of their waits. */
struct waitline {
    list_word word;
    struct waitlist list;
};

/* The commit of such a wait, which stands in the list, the lock held. */
void waitline_commit(void *wait);

/* Takes a wait out that was not granted. */
void waitline_leave(struct waitline *line, struct wait *wait);

/* Lets a list of claimed waits go on. */
void waitlist_resume_all(struct wait *claimed);

#endif
