/* Fork and join for those that build on them. */
#ifndef BINE_PARALLEL_FORK_H
#define BINE_PARALLEL_FORK_H

#include <bine/parallel.h>

/* True if it would pay to fork: some worker has nothing to do, and finds no child here. */
bool fork_is_wanted(void);

/* Takes back the child that was forked last. True if nobody has it: then it is as if it had not been
 * forked. Else it must be joined by fork_await(). */
bool fork_reclaim(struct bine_child_ *child);
uintptr_t fork_await(struct bine_child_ *child);

#endif
