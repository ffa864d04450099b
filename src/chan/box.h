/* What channels tell of boxes: see box.c. */
#ifndef BINE_CHAN_BOX_H
#define BINE_CHAN_BOX_H

#include "base/compiler.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* Some box in the program is checked. */
extern _Atomic bool box_checking;

/* The pointer has come to the caller, from a channel. It may be anything. */
void box_arrive(const void *pointer);

/* A value of a channel, `size` bytes, has been received by the caller, or is about to be dropped by
 * it: if it is a box that was sent, it is the caller's now. */
static inline void box_leave_channel(const void *value, size_t size)
{
    void *pointer;
    if (likely(!atomic_load_explicit(&box_checking, memory_order_relaxed)))
        return;
    if (value && size == sizeof pointer) {
        memcpy(&pointer, value, sizeof pointer);
        box_arrive(pointer);
    }
}

#endif
