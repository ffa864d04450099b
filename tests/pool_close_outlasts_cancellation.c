/* Closing a pool waits for its tasks even when its caller was cancelled, before or meanwhile. */
#include "test.h"

static _Atomic int ended;

static void run(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(5)), 0);
    ended++;
}

static int close_cancelled(bool wait_for_cancel)
{
    bine_pool *pool;
    if (wait_for_cancel)
        CHECK_EQ(bine_sleep_until(BINE_NEVER), -ECANCELED);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 2}), 0);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(bine_pool_go(pool, run), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(ended, 10);
    CHECK_EQ(bine_check(), -ECANCELED);
    return 0;
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        ended = 0;
        bine_future(int) closer = bine_async(close_cancelled, i % 2 == 0);
        CHECK(closer);
        test_spin((unsigned)i * 20000);
        bine_cancel(closer);
        CHECK_EQ(bine_await(closer), 0);
    }
    return 0;
}
