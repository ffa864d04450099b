/* A task cannot close the pool it runs in: -EDEADLK, and the pool goes on. */
#include "test.h"

static int compute(void)
{
    return 4;
}

static int close_own(bine_pool *pool)
{
    CHECK_EQ(bine_pool_close(pool), -EDEADLK);
    CHECK_EQ(bine_pool_close_until(pool, bine_after(BINE_MS(1))), -EDEADLK);
    CHECK_EQ(bine_check(), 0);
    bine_future(int) future = bine_async(compute); /* it is not closing */
    CHECK(future);
    return bine_await(future);
}

/* The pool of another: that works. */
static int close_other(bine_pool *pool)
{
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, NULL), 0);
    bine_future(int) future = bine_pool_async(pool, close_own, pool);
    CHECK(future);
    CHECK_EQ(bine_await(future), 4);

    future = bine_async(close_own, (bine_pool *)NULL);
    CHECK(future);
    CHECK_EQ(bine_await(future), 4);

    future = bine_async(close_other, pool);
    CHECK(future);
    CHECK_EQ(bine_await(future), 0);
    return 0;
}
