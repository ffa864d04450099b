/* bine_for: a loop without a result. */
#include "parallel/loop.h"
#include <bine/parallel.h>
#include <errno.h>

struct for_loop {
    struct loop loop;
    void (*body)(void *context, size_t begin, size_t end);
    void *context;
};

static void do_piece(struct loop *loop, size_t begin, size_t end, void *partial)
{
    struct for_loop *self = (struct for_loop *)loop;
    (void)partial;
    self->body(self->context, begin, end);
}

int bine_for(size_t begin, size_t end, size_t grain,
             void (*body)(void *context, size_t begin, size_t end), void *context)
{
    struct for_loop self = {{.piece = do_piece, .grain = grain ? grain : 1}, body, context};
    if (!body)
        return -EINVAL;
    return begin < end ? loop_run(&self.loop, begin, end, NULL) : 0;
}
