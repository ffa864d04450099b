/*
 * Timers: a 4-ary heap, because a level less is a cache miss less, and four children of 16 bytes
 * are one line.
 *
 * 1. slots[i].deadline <= slots[4i-2 .. 4i+1].deadline, and slots[i].timer->position == i.
 * 2. A slot repeats the deadline, so that comparing touches no timer.
 * 3. A timer in the set is valid memory to the holder of the lock: its owner takes it out, under
 *    the lock, before it goes.
 * 4. `earliest` is what the set says when the lock is free.
 * Removal leaves no trace, so a million cancelled timers cost nothing later.
 */
#include "time/timers.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FANOUT = 4,
    FIRST_CAPACITY = 60,
    SLOTS_IN_LINE = CACHE_LINE / sizeof(struct timer_slot),
    MOST_FIRED = 128, /* at a time */
};

static size_t parent_of(size_t i)
{
    return (i + 2) / FANOUT;
}

static size_t first_child_of(size_t i)
{
    return FANOUT * i - 2;
}

static void put(struct timers *timers, size_t i, struct timer_slot slot)
{
    timers->slots[i] = slot;
    slot.timer->position = i;
}

static void sift_up(struct timers *timers, size_t i, struct timer_slot slot)
{
    while (i > 1 && timers->slots[parent_of(i)].deadline > slot.deadline) {
        put(timers, i, timers->slots[parent_of(i)]);
        i = parent_of(i);
    }
    put(timers, i, slot);
}

static void sift_down(struct timers *timers, size_t i, struct timer_slot slot)
{
    for (;;) {
        size_t child = first_child_of(i), last = child + FANOUT - 1;
        if (child > timers->count)
            break;
        if (last > timers->count)
            last = timers->count;
        size_t least = child;
        while (++child <= last)
            if (timers->slots[child].deadline < timers->slots[least].deadline)
                least = child;
        if (timers->slots[least].deadline >= slot.deadline)
            break;
        put(timers, i, timers->slots[least]);
        i = least;
    }
    put(timers, i, slot);
}

static void heap_remove(struct timers *timers, struct timer *timer)
{
    size_t hole = timer->position;
    struct timer_slot last = timers->slots[timers->count--];
    timer->position = 0;
    if (last.timer == timer)
        return;
    if (hole > 1 && timers->slots[parent_of(hole)].deadline > last.deadline)
        sift_up(timers, hole, last);
    else
        sift_down(timers, hole, last);
}

static void strays_add(struct timers *timers, struct timer *timer)
{
    timer->next = timers->strays;
    timer->back = &timers->strays;
    if (timer->next)
        timer->next->back = &timer->next;
    timers->strays = timer;
}

static void strays_remove(struct timer *timer)
{
    *timer->back = timer->next;
    if (timer->next)
        timer->next->back = timer->back;
    timer->back = NULL;
}

static struct timer *first_of(const struct timers *timers)
{
    struct timer *first = timers->count ? timers->slots[1].timer : NULL;
    for (struct timer *stray = timers->strays; stray; stray = stray->next)
        if (!first || stray->deadline < first->deadline)
            first = stray;
    return first;
}

/* Lock held. */
static void note_earliest(struct timers *timers)
{
    struct timer *first = first_of(timers);
    atomic_store_explicit(&timers->earliest, first ? first->deadline : INT64_MAX,
                          memory_order_relaxed);
}

/* Lock held. */
static void take_out(struct timers *timers, struct timer *timer)
{
    if (timer->back)
        strays_remove(timer);
    else
        heap_remove(timers, timer);
}

/* Makes room for more. The lock is not held: it may be that others add meanwhile, or grow first. */
static void grow(struct timers *timers, size_t capacity)
{
    /* slots[2], a group of children, begins a line; slots[0] is unused. */
    size_t lead = SLOTS_IN_LINE - 2;
    struct timer_slot *memory = NULL;
    if (posix_memalign((void **)&memory, CACHE_LINE,
                       (lead + capacity + 1) * sizeof(struct timer_slot)) != 0)
        return;
    void *old = memory;
    spin_lock(&timers->lock);
    if (timers->capacity < capacity) {
        if (timers->count)
            memcpy(memory + lead + 1, timers->slots + 1, timers->count * sizeof *memory);
        old = timers->memory;
        timers->memory = memory;
        timers->slots = memory + lead;
        timers->capacity = capacity;
    }
    spin_unlock(&timers->lock);
    free(old);
}

void timers_init(struct timers *timers)
{
    *timers = (struct timers){.earliest = INT64_MAX};
}

void timers_destroy(struct timers *timers)
{
    assert(timers->count == 0 && !timers->strays);
    free(timers->memory);
    timers_init(timers);
}

void timers_add(struct timers *timers, struct timer *timer)
{
    timer->back = NULL;
    timer->position = 0;
    spin_lock(&timers->lock);
    if (timers->count == timers->capacity) {
        size_t wanted = timers->capacity ? timers->capacity * 2 : FIRST_CAPACITY;
        spin_unlock(&timers->lock);
        grow(timers, wanted);
        spin_lock(&timers->lock);
    }
    if (timers->count < timers->capacity)
        sift_up(timers, ++timers->count, (struct timer_slot){timer->deadline, timer});
    else
        strays_add(timers, timer);
    if (timer->deadline < timers_earliest(timers))
        atomic_store_explicit(&timers->earliest, timer->deadline, memory_order_relaxed);
    spin_unlock(&timers->lock);
}

void timers_remove(struct timers *timers, struct timer *timer)
{
    spin_lock(&timers->lock);
    if (timer->position || timer->back) {
        take_out(timers, timer);
        if (timer->deadline <= timers_earliest(timers))
            note_earliest(timers);
    }
    spin_unlock(&timers->lock);
}

void timers_run(struct timers *timers, int64_t now, bool (*fire)(struct timer *, void *context),
                void *context)
{
    if (timers_earliest(timers) > now || !spin_try_lock(&timers->lock))
        return;
    for (int fired = 0; fired < MOST_FIRED; fired++) {
        struct timer *first = first_of(timers);
        if (!first || first->deadline > now)
            break;
        /* Out before it fires: a timer that has fired may be gone at once. */
        take_out(timers, first);
        if (!fire(first, context)) {
            if (timers->count < timers->capacity)
                sift_up(timers, ++timers->count, (struct timer_slot){first->deadline, first});
            else
                strays_add(timers, first);
            break;
        }
    }
    note_earliest(timers);
    spin_unlock(&timers->lock);
}
