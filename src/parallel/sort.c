/*
 * bine_sort: quicksort in place, whose halves are children.
 *
 * 1. Elements only ever change places, so whatever compare says and whenever it is stopped, the array
 *    holds what it held.
 * 2. No index leaves the range: compare may be inconsistent.
 * 3. `depth` bounds the nesting of frames, for a child that nobody takes runs in its parent's: at most
 *    2 log2(count). What is not sorted by then is sorted by heap.
 */
#include "parallel/sort.h"
#include <bine/parallel.h>

/* The median of three elements. */
static char *median(const struct sort *sort, char *a, char *b, char *c)
{
    if (sort_compare(sort, a, b) < 0)
        return sort_compare(sort, b, c) < 0 ? b : sort_compare(sort, a, c) < 0 ? c : a;
    return sort_compare(sort, a, c) < 0 ? a : sort_compare(sort, b, c) < 0 ? c : b;
}

static char *choose_pivot(const struct sort *sort, char *base, size_t count)
{
    size_t step = count / 8 * sort->size;
    char *middle = base + count / 2 * sort->size, *last = base + (count - 1) * sort->size;
    if (count < SORT_APART)
        return median(sort, base, middle, last);
    return median(sort, median(sort, base, base + step, base + 2 * step),
                  median(sort, middle - step, middle, middle + step),
                  median(sort, last - 2 * step, last - step, last));
}

/* Moves what is less to the left and what is greater to the right of one element, whose index is
 * returned. Equal ones go to both sides, so that many of them do no harm. */
static size_t partition(const struct sort *sort, char *base, size_t count)
{
    size_t size = sort->size;
    char *low = base, *high = base + count * size;
    sort_swap(sort, base, choose_pivot(sort, base, count));
    for (;;) {
        do
            low += size;
        while (low < high && sort_compare(sort, low, base) < 0);
        do
            high -= size;
        while (high > base && sort_compare(sort, high, base) > 0);
        if (low >= high)
            break;
        sort_swap(sort, low, high);
    }
    sort_swap(sort, base, high);
    return (size_t)(high - base) / size;
}

/* Element `at` goes down to where none below is greater. */
static void sift(const struct sort *sort, char *base, size_t at, size_t count)
{
    size_t size = sort->size, child;
    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count &&
            sort_compare(sort, base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (sort_compare(sort, base + at * size, base + child * size) >= 0)
            return;
        sort_swap(sort, base + at * size, base + child * size);
        at = child;
    }
}

static void sort_by_heap(const struct sort *sort, char *base, size_t count)
{
    for (size_t at = count / 2; at-- > 0;)
        sift(sort, base, at, count);
    for (size_t last = count; last-- > 1;) {
        sort_swap(sort, base, base + last * sort->size);
        sift(sort, base, 0, last);
    }
}

static void sort_range(struct sort *sort, char *base, size_t count, unsigned depth)
{
    while (count > SORT_SHORT) {
        if (count >= SORT_APART && sort_stopped(sort))
            return;
        if (depth-- == 0) {
            sort_by_heap(sort, base, count);
            return;
        }
        size_t left = partition(sort, base, count), right = count - left - 1;
        char *above = base + (left + 1) * sort->size;
        if (right >= SORT_APART) {
            bine_child(void) child;
            bine_fork(&child, sort_range, sort, above, right, depth);
            sort_range(sort, base, left, depth);
            bine_join(&child);
            return;
        }
        sort_range(sort, above, right, depth);
        count = left;
    }
    sort_insertion(sort, base, count);
}

int bine_sort(void *base, size_t count, size_t size,
              int (*compare)(const void *left, const void *right, void *context), void *context)
{
    struct sort sort = {size, compare, context, 0};
    int error = sort_check_arguments(base, count, &sort);
    if (!error && count > 1)
        error = run_check(run_self());
    if (error || count < 2)
        return error;
    unsigned depth = 2 * (64 - (unsigned)__builtin_clzll(count));
    sort_range(&sort, base, count, depth);
    return atomic_load_explicit(&sort.error, memory_order_relaxed);
}
