/* Pool options out of range are refused with -EINVAL or -ENOMEM, and no pool is made. */
#include "test_support/process.h"

static int compute(void)
{
    return 8;
}

static void check_refused(bine_pool_options options)
{
    bine_pool *pool = NULL;
    int result = bine_pool_open(&pool, &options);
    CHECK(result == -EINVAL || result == -ENOMEM);
}

int main(void)
{
    int threads = process_threads();
    check_refused((bine_pool_options){.workers = UINT32_MAX});
    check_refused((bine_pool_options){.workers = 99999999});
    check_refused((bine_pool_options){.workers = 2, .stack_size = SIZE_MAX});
    check_refused((bine_pool_options){.workers = 2, .stack_size = SIZE_MAX / 2});
    CHECK_EQ(process_threads(), threads);

    bine_pool *pool;
    char name[200];
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.name = name, .stack_size = 1}), 0);
    memset(name, 0, sizeof(name)); /* it was copied */
    bine_future(int) future = bine_pool_async(pool, compute);
    CHECK(future);
    CHECK_EQ(bine_await(future), 8);
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
