/*
 * bine_sort_stable: merge sort by way of a second array, whose halves and merges are children.
 *
 * 1. Of equal elements the left one is taken first, everywhere.
 * 2. Each step leaves in its target what was in its source, sorted if it was not stopped; stopped
 *    ones copy. So in the end the array holds what it held.
 */
#include "parallel/sort.h"
#include <bine/parallel.h>
#include <stdlib.h>

enum { MERGE_APART = 4096 /* elements whose merging is worth a child */ };

/* Sorted elements. */
struct row {
    char *at;
    size_t count;
};

static char *append(const struct sort *sort, char *out, const char *from, size_t count)
{
    memcpy(out, from, count * sort->size);
    return out + count * sort->size;
}

static void merge_here(struct sort *sort, struct row left, struct row right, char *out)
{
    size_t size = sort->size;
    while (left.count && right.count) {
        struct row *next = sort_compare(sort, right.at, left.at) < 0 ? &right : &left;
        out = append(sort, out, next->at, 1);
        next->at += size;
        next->count--;
    }
    out = append(sort, out, left.at, left.count);
    append(sort, out, right.at, right.count);
}

/* How many of the row stand before `pivot`: those that are less, and (with_equal) equal. */
static size_t count_before(const struct sort *sort, struct row row, const char *pivot,
                           int with_equal)
{
    size_t low = 0, high = row.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sort_compare(sort, row.at + middle * sort->size, pivot) < with_equal)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What is to be merged into `out`. */
struct merging {
    struct sort *sort;
    struct row left, right;
    char *out;
};

static struct row rest(const struct sort *sort, struct row row, size_t from)
{
    return (struct row){row.at + from * sort->size, row.count - from};
}

static void merge(struct merging *merging)
{
    struct sort *sort = merging->sort;
    struct row left = merging->left, right = merging->right;
    if (left.count + right.count < MERGE_APART || sort_stopped(sort)) {
        if (atomic_load_explicit(&sort->error, memory_order_relaxed))
            append(sort, append(sort, merging->out, left.at, left.count), right.at, right.count);
        else
            merge_here(sort, left, right, merging->out);
        return;
    }
    size_t from_left = left.count / 2, from_right = right.count / 2;
    if (left.count >= right.count)
        from_right = count_before(sort, right, left.at + from_left * sort->size, 0);
    else
        from_left = count_before(sort, left, right.at + from_right * sort->size, 1);
    struct merging above = {sort, rest(sort, left, from_left), rest(sort, right, from_right),
                            merging->out + (from_left + from_right) * sort->size};
    struct merging below = {sort, {left.at, from_left}, {right.at, from_right}, merging->out};
    bine_child(void) child;
    bine_fork(&child, merge, &above);
    merge(&below);
    bine_join(&child);
}

/* Sorts what lies in `array`; the result is to lie there, or (aside) in `other`, which is as large. */
static void sort_row(struct sort *sort, char *array, char *other, size_t count, int aside)
{
    if (count <= SORT_SHORT || (count >= SORT_APART && sort_stopped(sort))) {
        if (count <= SORT_SHORT)
            sort_insertion(sort, array, count);
        if (aside)
            append(sort, other, array, count);
        return;
    }
    size_t half = count / 2, offset = half * sort->size;
    if (count >= SORT_APART) {
        bine_child(void) child;
        bine_fork(&child, sort_row, sort, array + offset, other + offset, count - half, !aside);
        sort_row(sort, array, other, half, !aside);
        bine_join(&child);
    } else {
        sort_row(sort, array, other, half, !aside);
        sort_row(sort, array + offset, other + offset, count - half, !aside);
    }
    char *from = aside ? array : other;
    merge(&(struct merging){
        sort, {from, half}, {from + offset, count - half}, aside ? other : array});
}

int bine_sort_stable(void *base, size_t count, size_t size,
                     int (*compare)(const void *left, const void *right, void *context),
                     void *context)
{
    struct sort sort = {size, compare, context, 0};
    int error = sort_check_arguments(base, count, &sort);
    if (!error && count > 1)
        error = run_check(run_self());
    if (error || count < 2)
        return error;
    char *other = count > SORT_SHORT ? malloc(count * size) : NULL;
    if (count > SORT_SHORT && !other)
        return -ENOMEM;
    sort_row(&sort, base, other, count, 0);
    free(other);
    return atomic_load_explicit(&sort.error, memory_order_relaxed);
}
