/* bine_reduce: a loop with a result. */
#include "parallel/loop.h"
#include <bine/parallel.h>
#include <errno.h>
#include <string.h>

struct reduction {
    struct loop loop;
    const void *identity;
    void (*body)(void *context, size_t begin, size_t end, void *partial);
    void (*combine)(void *context, void *left, const void *right);
    void *context;
};

static void do_piece(struct loop *loop, size_t begin, size_t end, void *partial)
{
    struct reduction *self = (struct reduction *)loop;
    self->body(self->context, begin, end, partial);
}

static void begin_partial(struct loop *loop, void *partial, size_t begin)
{
    (void)begin;
    memcpy(partial, ((struct reduction *)loop)->identity, loop->partial_size);
}

static void combine_partials(struct loop *loop, void *left, void *right, size_t middle, size_t end)
{
    struct reduction *self = (struct reduction *)loop;
    (void)middle;
    (void)end;
    self->combine(self->context, left, right);
}

int bine_reduce(size_t begin, size_t end, size_t grain, void *result, const void *identity,
                size_t size, void (*body)(void *context, size_t begin, size_t end, void *partial),
                void (*combine)(void *context, void *left, const void *right), void *context)
{
    struct reduction self = {{.piece = do_piece,
                              .combine = combine_partials,
                              .begin = begin_partial,
                              .partial_size = size,
                              .grain = grain ? grain : 1},
                             identity, body, combine, context};
    struct partial partial;
    if (!result || !identity || !size || !body || !combine)
        return -EINVAL;
    if (partial_make(&partial, size) != 0)
        return -ENOMEM;
    begin_partial(&self.loop, partial.at, begin);
    int error = begin < end ? loop_run(&self.loop, begin, end, partial.at) : 0;
    if (!error)
        memcpy(result, partial.at, size);
    partial_free(&partial);
    return error;
}
