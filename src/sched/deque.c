/*
 * The deque of forked children, split in two.
 *
 *      base          tail           end                    head
 *       | taken by    | shared:      | private: the         | free
 *       | thieves     | with lock    | owner's alone        |
 *
 * The short fork, inline in parallel.h: if head < limit, put the child at head, raise head.
 * The short join: lower head; if it is not below split, the child is the owner's.
 * Neither has a fence or a locked operation. All else is here and holds the lock.
 *
 * 1. base <= tail <= end <= head whenever the lock is free, but for a join that has lowered head
 *    below end, and finds that it is below split, and is on its way here.
 * 2. A child is taken out once: below end with the lock held, above by the owner. So end may only be
 *    raised by the owner, or (deque_expose) when no short join can be under way above it: split is
 *    closed first, so that joins come here, then a membarrier has all processors of this process pass
 *    a full fence. A join before it is seen in head; one after it sees split closed.
 * 3. An oldest child is shared when it is forked (an empty deque is closed to the short fork), so a
 *    thief finds it without the owner's help. When the last shared one is taken the owner is asked
 *    for more: limit and split are closed, and its next fork or join shares the older half.
 * 4. All children here are of one run: who turns to another run clears the deque first.
 * 5. `number` is a new one when the oldest shared child is: a thief leaves it alone until he has seen
 *    the same for AGE_NS. Small trees are over by then.
 *
 * Where there is no membarrier, and under the thread sanitizer, limit and split are always closed
 * and all children shared: a locked deque.
 *
 * Rejected: raising split by steps before the membarrier, and undoing where the owner was quicker.
 * Closing it altogether needs no undoing, and serves asking as well.
 */
#include "sched/deque.h"
#include "sched/runq.h"
#include <assert.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AGE_NS = 3000 /* about what a theft costs both sides */ };

#define CLOSED_LIMIT ((deque_place *)0)
#define CLOSED_SPLIT ((deque_place *)UINTPTR_MAX)

#define READ(field)         atomic_load_explicit(&deque->field, memory_order_relaxed)
#define WRITE(field, value) atomic_store_explicit(&deque->field, value, memory_order_relaxed)

static deque_place *top(struct deque *deque)
{
    return deque->place + 1 + DEQUE_PLACES;
}

/* Lock held, or nobody else has the deque. Opens the short ways, or closes them. */
static void set_doors(struct deque *deque)
{
    bool occupied = READ(head) > deque_base(deque);
    bool closed = !runq_by_membarrier || READ(asked);
    WRITE(occupied, occupied);
    WRITE(limit, closed || !occupied ? CLOSED_LIMIT : top(deque));
    WRITE(split, closed || deque->exposing ? CLOSED_SPLIT : READ(end));
}

void deque_init(struct deque *deque)
{
    *deque = (struct deque){.lock = {0}};
    atomic_init(&deque->head, deque_base(deque));
    atomic_init(&deque->tail, deque_base(deque));
    atomic_init(&deque->end, deque_base(deque));
    set_doors(deque);
}

void deque_abandon(struct deque *deque)
{
    deque->lock = (struct spinlock){0};
    deque->exposing = false;
    set_doors(deque);
}

/* Lock held, and no short join can be under way below head. Shares the older half of what is
 * private, if nothing is shared. */
static void share(struct deque *deque, deque_place *head)
{
    deque_place *end = READ(end);
    if (!runq_by_membarrier)
        WRITE(end, head);
    else if (READ(tail) == end && head > end)
        WRITE(end, end + (head - end + 1) / 2);
    if (READ(tail) < READ(end))
        WRITE(asked, false);
}

/* --- owner --- */

bool deque_push(struct deque *deque, void *child, struct run *run)
{
    deque_place *head = READ(head);
    if (head == top(deque))
        return false;
    spin_lock(&deque->lock);
    atomic_store_explicit(head, child, memory_order_relaxed);
    WRITE(head, head + 1);
    if (READ(tail) == READ(end))
        WRITE(number, READ(number) + 1);
    deque->run = run;
    share(deque, head + 1);
    set_doors(deque);
    spin_unlock(&deque->lock);
    return true;
}

/* Lock held. Takes the child at head, which is the newest, out. */
static enum deque_found pop(struct deque *deque, deque_place *head)
{
    bool taken = head < READ(tail);
    if (taken)
        WRITE(tail, head);
    if (head < READ(end))
        WRITE(end, head);
    if (READ(tail) == READ(end))
        WRITE(number, READ(number) + 1);
    if (head == deque_base(deque))
        WRITE(asked, false);
    else if (READ(asked))
        share(deque, head);
    set_doors(deque);
    return taken ? DEQUE_TAKEN : DEQUE_OWN;
}

enum deque_found deque_pop(struct deque *deque, const void *child)
{
    deque_place *head = READ(head);
    if (head < deque_base(deque)) {
        WRITE(head, deque_base(deque));
        return DEQUE_ABSENT;
    }
    if (atomic_load_explicit(head, memory_order_relaxed) != child)
        return DEQUE_OTHER;
    spin_lock(&deque->lock);
    enum deque_found found = pop(deque, head);
    spin_unlock(&deque->lock);
    return found;
}

deque_place *deque_clear(struct deque *deque, unsigned *count)
{
    spin_lock(&deque->lock);
    deque_place *first = READ(tail);
    *count = (unsigned)(READ(head) - first);
    WRITE(tail, deque_base(deque));
    WRITE(end, deque_base(deque));
    WRITE(head, deque_base(deque));
    WRITE(asked, false);
    set_doors(deque);
    spin_unlock(&deque->lock);
    return first;
}

bool deque_has_untaken(struct deque *deque)
{
    return READ(occupied) && READ(head) > READ(tail);
}

/* --- thieves --- */

bool deque_has_aged(struct deque *deque, int64_t now)
{
    uint32_t number = READ(number);
    if (READ(seen) == number)
        return now - READ(seen_at) >= AGE_NS;
    WRITE(seen_at, now);
    WRITE(seen, number);
    return false;
}

bool deque_steal(struct deque *deque, void (*take)(void *context, void *child, struct run *parent),
                 void *context)
{
    if (!spin_try_lock(&deque->lock))
        return false;
    deque_place *tail = READ(tail);
    bool found = tail < READ(end);
    if (found) {
        take(context, atomic_load_explicit(tail, memory_order_relaxed), deque->run);
        WRITE(tail, tail + 1);
        WRITE(thefts, READ(thefts) + 1);
        WRITE(asked, tail + 1 == READ(end));
        set_doors(deque);
    }
    spin_unlock(&deque->lock);
    return found;
}

void deque_ask(struct deque *deque)
{
    if (READ(asked) || !READ(occupied) || !spin_try_lock(&deque->lock))
        return;
    if (READ(occupied) && READ(tail) == READ(end)) {
        WRITE(asked, true);
        set_doors(deque);
    }
    spin_unlock(&deque->lock);
}

/* Lock held. True if there is nothing shared and something private, and the caller is the one to see
 * about it. */
static bool begin_exposing(struct deque *deque)
{
    if (!runq_by_membarrier || deque->exposing || READ(tail) != READ(end) ||
        READ(head) <= READ(end))
        return false;
    deque->exposing = true;
    set_doors(deque);
    return true;
}

bool deque_expose(struct deque *deque)
{
    if (!READ(occupied) || !spin_try_lock(&deque->lock))
        return false;
    bool begun = begin_exposing(deque);
    spin_unlock(&deque->lock);
    if (!begun)
        return deque_has_shared(deque);
    /* Split is closed since before this, and stays so. */
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    spin_lock(&deque->lock);
    /* acquire: pairs with the release in the short fork; what it has put in is to be seen. */
    share(deque, atomic_load_explicit(&deque->head, memory_order_acquire));
    deque->exposing = false;
    set_doors(deque);
    spin_unlock(&deque->lock);
    return deque_has_shared(deque);
}
