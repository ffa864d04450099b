/*
 * What queues behind a task that blocks its thread runs although no other worker ever runs out of
 * tasks of its own.
 */
#include "test.h"
#include <bine.h>

enum { BUSY = 4, FRESH = 3 };

static int ends[2];
static _Atomic int marked;

static void keep_busy(void)
{
    while (marked < FRESH)
        bine_yield();
}

static void mark(void)
{
    marked++;
}

static void block(void)
{
    char byte;
    for (int i = 0; i < FRESH; i++)
        CHECK_EQ(bine_go(mark), 0);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
}

static void start_all(void)
{
    bine_future(void) busy[BUSY];
    for (int i = 0; i < BUSY; i++)
        busy[i] = bine_async(keep_busy);
    for (int i = 0; i < BUSY; i++)
        bine_yield();
    bine_future(void) blocked = bine_async(block);
    for (int i = 0; i < BUSY; i++)
        bine_await(busy[i]);
    CHECK_EQ(write(ends[1], "", 1), 1);
    bine_await(blocked);
}

int main(void)
{
    bine_pool *pool;
    bine_pool_options options = {.workers = 1};
    for (int i = 0; i < 20; i++) {
        marked = 0;
        CHECK_EQ(pipe(ends), 0);
        CHECK_EQ(bine_pool_open(&pool, &options), 0);
        bine_await(bine_pool_async(pool, start_all));
        CHECK_EQ(bine_pool_close(pool), 0);
        close(ends[0]);
        close(ends[1]);
    }
    return 0;
}
