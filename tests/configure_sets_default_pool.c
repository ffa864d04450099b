/*
 * bine_configure sets the default pool up before its first use, whatever the environment says;
 * bad values are refused and change nothing; once the pool is in use it says -EBUSY.
 */
#include "test.h"

enum { WORKERS = 3, STACK = 1024 * 1024 };

__attribute__((noinline)) static int walk(int pages)
{
    volatile char page[4096];
    page[0] = (char)pages;
    int below = pages > 1 ? walk(pages - 1) : 0;
    CHECK_EQ(page[0], (char)pages);
    return below + 1;
}

int main(void)
{
    bine_pool_options good = {.workers = WORKERS, .stack_size = STACK, .name = "mine"};
    CHECK_EQ(bine_configure(&(bine_pool_options){.workers = 99999999}), -EINVAL);
    int result = bine_configure(&(bine_pool_options){.stack_size = SIZE_MAX});
    CHECK(result == -EINVAL || result == -ENOMEM);
    CHECK_EQ(bine_configure(&good), 0);

    bine_future(int) walker = bine_async(walk, STACK / 2 / 4096);
    CHECK(walker);
    CHECK_EQ(bine_await(walker), STACK / 2 / 4096);
    CHECK_EQ(bine_pool_workers(bine_pool_self()), WORKERS);

    CHECK_EQ(bine_configure(&good), -EBUSY);
    CHECK_EQ(bine_configure(&(bine_pool_options){.workers = 1}), -EBUSY);
    CHECK_EQ(bine_pool_workers(bine_pool_self()), WORKERS);
    return 0;
}
