/* A range of indices, worked at by as many as have nothing else to do: what bine_for, bine_reduce and
 * bine_scan share. See loop.c. */
#ifndef BINE_PARALLEL_LOOP_H
#define BINE_PARALLEL_LOOP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One call's range. The first part is constant. */
struct loop {
    /* Does [begin, end), in the order of the indices on a partial result. */
    void (*piece)(struct loop *loop, size_t begin, size_t end, void *partial);
    /* [middle, end) was done apart, on `right`: adds that to `left`, whose range ends at middle. */
    void (*combine)(struct loop *loop, void *left, void *right, size_t middle, size_t end);
    /* Readies a partial result for a range that begins at `begin`. */
    void (*begin)(struct loop *loop, void *partial, size_t begin);
    size_t partial_size; /* bytes; 0: there are no partial results, combine and begin are not called */
    size_t grain;        /* the fewest indices of a piece, but for the range's last; at least 1 */
    unsigned most_tasks; /* that work at the range at a time, those that wait included */

    _Atomic(size_t) pace; /* indices that took about PIECE_NS of late */
    _Atomic unsigned tasks;
    _Atomic int error;    /* why pieces were left out; 0 */
};

/* Fills in what is left of a loop whose constant part but most_tasks is set, and does all of
 * [begin, end) on `partial`, readied by the caller. 0; -ECANCELED or -ETIMEDOUT where pieces were left
 * out. */
int loop_run(struct loop *loop, size_t begin, size_t end, void *partial);

/* A partial result: in the frame where it fits, else allocated. */
enum { PARTIAL_IN_FRAME = 64 };
struct partial {
    void *at;
    _Alignas(PARTIAL_IN_FRAME) char bytes[PARTIAL_IN_FRAME];
};
/* 0 or -ENOMEM. */
int partial_make(struct partial *partial, size_t size);
void partial_free(struct partial *partial);

#endif
