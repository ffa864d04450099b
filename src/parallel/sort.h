/* What both ways of sorting share. */
#ifndef BINE_PARALLEL_SORT_H
#define BINE_PARALLEL_SORT_H

#include "sched/park.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
    SORT_SHORT = 16, /* elements that are sorted by insertion */
    SORT_APART = 512 /* elements that are worth a child */
};

/* One call's array. */
struct sort {
    size_t size; /* of an element, bytes */
    int (*compare)(const void *left, const void *right, void *context);
    void *context;
    _Atomic int error; /* why something was left unsorted; 0 */
};

static inline int sort_check_arguments(const void *base, size_t count, const struct sort *sort)
{
    return sort->size == 0 || !sort->compare || (count && !base) || count > PTRDIFF_MAX / sort->size
               ? -EINVAL
               : 0;
}

static inline int sort_compare(const struct sort *sort, const void *left, const void *right)
{
    return sort->compare(left, right, sort->context);
}

/* True if the caller is to leave the rest unsorted. */
static inline bool sort_stopped(struct sort *sort)
{
    if (atomic_load_explicit(&sort->error, memory_order_relaxed))
        return true;
    int error = run_check(run_self()), none = 0;
    if (unlikely(error))
        atomic_compare_exchange_strong_explicit(&sort->error, &none, error, memory_order_relaxed,
                                                memory_order_relaxed);
    return error != 0;
}

static inline void sort_swap(const struct sort *sort, char *a, char *b)
{
    size_t left = sort->size;
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
        uint64_t x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        memcpy(a, &y, sizeof y);
        memcpy(b, &x, sizeof x);
        a += sizeof x;
        b += sizeof y;
    }
    for (; left > 0; left--) {
        char x = *a;
        *a++ = *b;
        *b++ = x;
    }
}

/* Sorts a few elements; keeps the order of equal ones. */
static inline void sort_insertion(const struct sort *sort, char *base, size_t count)
{
    size_t size = sort->size;
    for (char *next = base + size, *end = base + count * size; next < end; next += size)
        for (char *at = next; at > base && sort_compare(sort, at, at - size) < 0; at -= size)
            sort_swap(sort, at, at - size);
}

#endif
