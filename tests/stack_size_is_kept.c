/* A task has the stack it was promised: by default, by its own size, and by its pool's. */
/* test: plain */
#include "test.h"

enum {
    PAGE = 4096,
    DEFAULT_STACK = 64 * 1024,
    LARGE_STACK = 8 * 1024 * 1024,
    SLACK = 16 * 1024, /* what calls around the walk may use */
};

/* Uses `bytes` of stack in steps of about a page, and comes back. */
__attribute__((noinline)) static int walk(long bytes)
{
    volatile unsigned char page[PAGE - 128];
    page[0] = page[sizeof(page) - 1] = (unsigned char)bytes;
    int below = bytes > PAGE ? walk(bytes - PAGE) : 0;
    CHECK(page[0] == (unsigned char)bytes && page[sizeof(page) - 1] == (unsigned char)bytes);
    return below + 1;
}

/* At its deepest point it waits, so that the stack is kept, not only used. */
static int walk_and_wait(long bytes)
{
    int pages = walk(bytes);
    bine_yield();
    CHECK_EQ(walk(bytes), pages);
    return pages;
}

static void check_with(const bine_task_options *options, long bytes)
{
    bine_future(int) walker = bine_async_with(options, walk_and_wait, bytes);
    CHECK(walker);
    CHECK(bine_await(walker) >= bytes / PAGE);
}

/* Awaited at once, so perhaps in place: the promise holds all the same. */
static int await_walkers(void)
{
    for (int i = 0; i < 100; i++) {
        check_with(NULL, DEFAULT_STACK - SLACK);
        check_with(BINE_OPTIONS(.stack_size = 4 * DEFAULT_STACK), 4 * DEFAULT_STACK - SLACK);
    }
    return 0;
}

static int await_walker_of_pool(void)
{
    check_with(NULL, LARGE_STACK - SLACK);
    return 0;
}

int main(void)
{
    bine_pool *pool;
    check_with(NULL, DEFAULT_STACK - SLACK);
    check_with(BINE_OPTIONS(.stack_size = LARGE_STACK), LARGE_STACK - SLACK);
    check_with(BINE_OPTIONS(.stack_size = LARGE_STACK - 1), LARGE_STACK - 1 - SLACK);

    /* Sizes too small for anything are rounded up. */
    bine_future(int) tiny = bine_async_with(BINE_OPTIONS(.stack_size = 1), walk, 1L);
    CHECK(tiny);
    CHECK_EQ(bine_await(tiny), 1);

    bine_future(int) nested = bine_async(await_walkers);
    CHECK(nested);
    CHECK_EQ(bine_await(nested), 0);

    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.stack_size = LARGE_STACK, .workers = 2}),
             0);
    bine_future(int) of_pool = bine_pool_async(pool, await_walker_of_pool);
    CHECK(of_pool);
    CHECK_EQ(bine_await(of_pool), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
