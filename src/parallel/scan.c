/*
 * bine_scan: a loop in which each element adds the one before it.
 *
 * A range that is done from the left is done when its last element is: what comes before any element
 * is in the one before it. One that was taken by somebody else is first summed up for itself, and,
 * when the range to its left is done, that one's last element is added to all of it: that is the price
 * of sharing, and only what was really shared pays it.
 */
#include "parallel/loop.h"
#include "sched/park.h"
#include <bine/parallel.h>
#include <errno.h>
#include <string.h>

struct scan {
    struct loop loop;
    char *base;
    size_t size;
    void (*combine)(void *context, void *left, const void *right);
    void *context;
};

/* The partial result of a range: where it began, and room for an element. */
struct scanned {
    size_t begin;
};

static char *element(const struct scan *scan, size_t index)
{
    return scan->base + index * scan->size;
}

/* As far into the partial result as any element of that size may want its address to be a multiple
 * of. */
static size_t room_offset(size_t size)
{
    return size <= 16 ? 16 : size <= 32 ? 32 : PARTIAL_IN_FRAME;
}

static void *room(const struct scan *scan, void *partial)
{
    return (char *)partial + room_offset(scan->size);
}

/* Element `index` becomes `before` + element `index`. */
static void add_before(const struct scan *scan, const void *before, size_t index, void *sum)
{
    memcpy(sum, before, scan->size);
    scan->combine(scan->context, sum, element(scan, index));
    memcpy(element(scan, index), sum, scan->size);
}

static void scan_piece(struct loop *loop, size_t begin, size_t end, void *partial)
{
    struct scan *scan = (struct scan *)loop;
    size_t first = begin == ((struct scanned *)partial)->begin ? begin + 1 : begin;
    for (size_t i = first; i < end; i++)
        add_before(scan, element(scan, i - 1), i, room(scan, partial));
}

static void begin_range(struct loop *loop, void *partial, size_t begin)
{
    (void)loop;
    ((struct scanned *)partial)->begin = begin;
}

/* --- a range that was done apart --- */

/* What has to be added to a range's elements lies before it. */
struct addition {
    struct loop loop;
    const struct scan *scan;
    size_t middle;
};

static void add_piece(struct loop *loop, size_t begin, size_t end, void *partial)
{
    struct addition *addition = (struct addition *)loop;
    const struct scan *scan = addition->scan;
    for (size_t i = begin; i < end; i++)
        add_before(scan, element(scan, addition->middle - 1), i, room(scan, partial));
}

static void add_nothing(struct loop *loop, void *left, void *right, size_t middle, size_t end)
{
    (void)loop;
    (void)left;
    (void)right;
    (void)middle;
    (void)end;
}

static void add_range(struct loop *loop, void *left, void *right, size_t middle, size_t end)
{
    struct scan *scan = (struct scan *)loop;
    struct addition addition = {{.piece = add_piece,
                                 .combine = add_nothing,
                                 .begin = begin_range,
                                 .partial_size = loop->partial_size,
                                 .grain = 1},
                                scan, middle};
    (void)left;
    int error = loop_run(&addition.loop, middle, end, right);
    if (error)
        atomic_store_explicit(&loop->error, error, memory_order_relaxed);
}

int bine_scan(void *base, size_t count, size_t size,
              void (*combine)(void *context, void *left, const void *right), void *context)
{
    struct scan scan = {{.piece = scan_piece,
                         .combine = add_range,
                         .begin = begin_range,
                         .partial_size = room_offset(size) + size,
                         .grain = 1},
                        base, size, combine, context};
    struct partial partial;
    if (!size || !combine || (count && !base) || count > PTRDIFF_MAX / size)
        return -EINVAL;
    if (partial_make(&partial, scan.loop.partial_size) != 0)
        return -ENOMEM;
    begin_range(&scan.loop, partial.at, 0);
    int error = count ? loop_run(&scan.loop, 0, count, partial.at) : 0;
    partial_free(&partial);
    return error;
}
