/* A future's task runs by itself: nobody has to await it or hand it to anything first. */
#include "test.h"

static _Atomic int ran;

static int run(int number)
{
    ran++;
    return number;
}

static int start_and_watch(void)
{
    bine_future(int) future = bine_async(run, 5);
    CHECK(future);
    while (ran == 0)
        bine_yield();
    return bine_await(future);
}

int main(void)
{
    bine_future(int) first = bine_async(run, 3);
    CHECK(first);
    EVENTUALLY(ran == 1);
    CHECK_EQ(bine_await(first), 3);

    ran = 0;
    bine_future(int) watcher = bine_async(start_and_watch);
    CHECK(watcher);
    EVENTUALLY(ran == 1);
    CHECK_EQ(bine_await(watcher), 5);

    bine_pool *pool; /* with one worker, and no other to help out */
    ran = 0;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    watcher = bine_pool_async(pool, start_and_watch);
    CHECK(watcher);
    CHECK_EQ(bine_await(watcher), 5);
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
