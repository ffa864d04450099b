/* A pool of n workers runs n tasks at the same time: they meet without ever waiting in bine. */
#include "test.h"

enum { WORKERS = 4, MEETINGS = 20 };

static _Atomic int here, left;

static void meet(void)
{
    here++;
    while (here < WORKERS)
        sched_yield(); /* keeps the worker */
    left++;
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = WORKERS}), 0);
    for (int i = 0; i < MEETINGS; i++) {
        here = left = 0;
        for (int j = 0; j < WORKERS; j++)
            CHECK_EQ(bine_pool_go(pool, meet), 0);
        CHECK_EQ(bine_pool_wait(pool), 0);
        CHECK_EQ(left, WORKERS);
    }
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
