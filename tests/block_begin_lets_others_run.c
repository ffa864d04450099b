/* Around bine_block_begin and _end the rest of the pool goes on, pinned or nested or not. */
#include "test.h"

enum { ROUNDS = 100 };

static int ends[2];

static void write_byte(void)
{
    CHECK_EQ(write(ends[1], "w", 1), 1);
}

/* What it waits for can only be written by a task behind it on the same single worker. */
static int block_for_byte(int how)
{
    char byte = 0;
    if (how % 3 == 0)
        bine_pin();
    pid_t thread = gettid();
    CHECK_EQ(bine_go(write_byte), 0);
    bine_block_begin();
    if (how % 2)
        bine_block_begin();
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    if (how % 2)
        bine_block_end();
    bine_block_end();
    CHECK_EQ(byte, 'w');
    if (how % 3 == 0) {
        bine_yield();
        CHECK_EQ(gettid(), thread);
        bine_unpin();
    }
    bine_yield();
    return how;
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 1}), 0);
    for (int i = 0; i < ROUNDS; i++) {
        bine_future(int) future = bine_pool_async(pool, block_for_byte, i);
        CHECK(future);
        CHECK_EQ(bine_await(future), i);
    }
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
