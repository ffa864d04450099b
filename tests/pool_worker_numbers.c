/* A pool has the number of workers it was asked for, and a task's worker is one of them. */
#include "test.h"

enum { TASKS = 500 };

static void check_worker(int workers)
{
    for (int i = 0; i < 10; i++) {
        int worker = bine_worker();
        CHECK(worker >= 0 && worker < workers);
        CHECK_EQ(bine_pool_workers(bine_pool_self()), workers);
        if (i % 5 == 4)
            CHECK_EQ(bine_sleep(BINE_US(50)), 0);
        else
            bine_yield();
    }
}

static void check_pool(unsigned workers)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = workers}), 0);
    CHECK_EQ(bine_pool_workers(pool), workers);
    for (int i = 0; i < test_scaled(TASKS); i++)
        CHECK_EQ(bine_pool_go(pool, check_worker, (int)workers), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
}

int main(void)
{
    bine_pool *serial;
    CHECK_EQ(bine_worker(), -1);
    for (unsigned workers = 1; workers <= 9; workers += 2)
        check_pool(workers);

    CHECK_EQ(bine_pool_open(&serial, &(bine_pool_options){.serial = true}), 0);
    CHECK_EQ(bine_pool_workers(serial), 1);
    CHECK_EQ(bine_pool_close(serial), 0);

    int workers = (int)bine_pool_workers(bine_pool_self());
    CHECK(workers > 0);
    if (test_workers_wanted() > 0)
        CHECK_EQ(workers, test_workers_wanted());
    CHECK_EQ(bine_go(check_worker, workers), 0);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(bine_worker(), -1);
    return 0;
}
