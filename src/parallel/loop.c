/*
 * Loops whose range is split only when somebody has nothing to do.
 *
 * Who works at a range does it in pieces from the left. Between two pieces, if some worker is idle and
 * finds nothing to steal here, the right half of what is left is forked; at the end of its left half
 * the forker takes it back, if nobody has it, and goes on as if it had never been forked. So an
 * undisturbed loop is a plain one, with a look around every PIECE_NS, and partial results are combined
 * only where a range was really shared.
 *
 * 1. Pieces begin at multiples of the grain from the range's begin, so only the very last is shorter.
 * 2. A partial result belongs to a range, and pieces are added to it in order, so combine need not be
 *    commutative.
 * 3. Before the first piece the right half is forked in any case: a piece may wait, and who could take
 *    it would not come to know of it. After a piece has waited the range is split right down to
 *    the grain, so that others' waits overlap with it: by at most WAITING_TASKS tasks a worker.
 * 4. `error` is set by who leaves a piece out, and nobody else.
 *
 * Rejected: splitting to a fixed number of pieces per worker, which is too few where bodies differ and
 * too many where nobody is idle.
 */
#include "parallel/loop.h"
#include "parallel/fork.h"
#include "sched/park.h"
#include "sched/pool.h"
#include "time/clock.h"
#include <errno.h>
#include <stdlib.h>

enum {
    PIECE_NS = 10000,   /* the length of a piece where the grain allows it */
    WAITING_TASKS = 64, /* at a time, per worker */
    LEAST_PIECES = 8,   /* of what is left: so much at most is done without a look around */
};

/* Who works at a range. */
struct walk {
    struct loop *loop;
    struct run *run;
    size_t piece; /* indices at a time, a multiple of the grain */
    bool eager;   /* split at once: nothing is known yet, or pieces wait */
    bool waits;   /* a piece has waited */
};

/* A range that was forked. */
struct part {
    bine_child(void) child;
    struct loop *loop;
    size_t begin, end;
    struct partial partial;
};

int partial_make(struct partial *partial, size_t size)
{
    partial->at = partial->bytes;
    if (size <= sizeof partial->bytes)
        return 0;
    return posix_memalign(&partial->at, CACHE_LINE, size) == 0 ? 0 : -ENOMEM;
}

void partial_free(struct partial *partial)
{
    if (partial->at != partial->bytes)
        free(partial->at);
}

static bool stopped(const struct walk *walk)
{
    if (atomic_load_explicit(&walk->loop->error, memory_order_relaxed))
        return true;
    int error = run_check(walk->run), none = 0;
    if (unlikely(error))
        atomic_compare_exchange_strong_explicit(&walk->loop->error, &none, error,
                                                memory_order_relaxed, memory_order_relaxed);
    return error != 0;
}

static size_t in_grains(const struct loop *loop, size_t count)
{
    return count < loop->grain ? loop->grain : count - count % loop->grain;
}

/* --- pieces --- */

/* The number of the caller's next wait: it changes with each. */
static uint64_t wait_number(const struct walk *walk)
{
    return atomic_load_explicit(&walk->run->task->claim, memory_order_relaxed) / CLAIM_STATES;
}

static void set_pace(struct walk *walk, int64_t took)
{
    size_t piece = walk->piece;
    if (took < PIECE_NS / 2)
        piece = piece < SIZE_MAX / 2 ? piece * 2 : piece;
    else if (took > PIECE_NS * 2)
        piece = in_grains(walk->loop, piece / 2);
    if (piece == walk->piece)
        return;
    walk->piece = piece;
    atomic_store_explicit(&walk->loop->pace, piece, memory_order_relaxed);
}

/* Does a piece of what is left; returns where the rest begins. */
static size_t do_piece(struct walk *walk, size_t begin, size_t end, void *partial)
{
    struct loop *loop = walk->loop;
    size_t left = end - begin;
    size_t most = in_grains(loop, left / LEAST_PIECES);
    size_t count = walk->piece < most ? walk->piece : most;
    if (count > left)
        count = left;
    uint64_t number = wait_number(walk);
    int64_t start = clock_now();
    loop->piece(loop, begin, begin + count, partial);
    walk->waits = wait_number(walk) != number;
    walk->eager = walk->waits;
    if (count == walk->piece)
        set_pace(walk, clock_now() - start);
    return begin + count;
}

/* --- ranges --- */

static bool is_to_be_split(const struct walk *walk, size_t left)
{
    const struct loop *loop = walk->loop;
    if (left <= loop->grain)
        return false;
    if (walk->eager)
        return atomic_load_explicit(&loop->tasks, memory_order_relaxed) < loop->most_tasks;
    return left / 2 >= walk->piece && fork_is_wanted();
}

static void do_range(struct walk *walk, size_t begin, size_t end, void *partial);

/* The function of a range's own task. */
static void do_apart(struct part *part)
{
    struct loop *loop = part->loop;
    struct walk walk = {loop, run_self(), atomic_load_explicit(&loop->pace, memory_order_relaxed),
                        true, false};
    atomic_fetch_add_explicit(&loop->tasks, 1, memory_order_relaxed);
    if (loop->partial_size)
        loop->begin(loop, part->partial.at, part->begin);
    do_range(&walk, part->begin, part->end, part->partial.at);
    atomic_fetch_sub_explicit(&loop->tasks, 1, memory_order_relaxed);
}

/* Forks the right half and does the left one. Returns where what is still to be done begins: the
 * right half if nobody has taken it. */
static __attribute__((noinline)) size_t split(struct walk *walk, size_t begin, size_t end,
                                              void *partial)
{
    struct loop *loop = walk->loop;
    size_t middle = begin + in_grains(loop, (end - begin) / 2);
    struct part right = {.loop = loop, .begin = middle, .end = end};
    bool waits = walk->waits;
    walk->eager = waits;
    if (partial_make(&right.partial, loop->partial_size) != 0) {
        walk->eager = false;
        return begin;
    }
    bine_fork(&right.child, do_apart, &right);
    do_range(walk, begin, middle, partial);
    if (fork_reclaim(&right.child.base)) {
        partial_free(&right.partial);
        return middle;
    }
    fork_await(&right.child.base);
    if (loop->partial_size)
        loop->combine(loop, partial, right.partial.at, middle, end);
    partial_free(&right.partial);
    return end;
}

static void do_range(struct walk *walk, size_t begin, size_t end, void *partial)
{
    while (begin < end && !stopped(walk)) {
        if (is_to_be_split(walk, end - begin)) {
            size_t rest = split(walk, begin, end, partial);
            if (rest > begin) {
                begin = rest;
                continue;
            }
        }
        worker_heed_budget_here();
        begin = do_piece(walk, begin, end, partial);
    }
}

int loop_run(struct loop *loop, size_t begin, size_t end, void *partial)
{
    struct walk walk = {loop, run_self(), loop->grain, true, false};
    const struct bine_pool *pool = bine_pool_self();
    loop->most_tasks = (pool ? pool->seats_count : 1) * WAITING_TASKS;
    atomic_init(&loop->pace, loop->grain);
    atomic_init(&loop->tasks, 1);
    atomic_init(&loop->error, 0);
    do_range(&walk, begin, end, partial);
    return atomic_load_explicit(&loop->error, memory_order_relaxed);
}
