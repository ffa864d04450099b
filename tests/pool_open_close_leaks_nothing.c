/* Pools that are opened, used and closed leave no thread, descriptor or memory behind. */
#include "test_support/process.h"

enum { ROUNDS = 200, SETTLED = 20, GROWTH_KIB = 8 * 1024 };

static _Atomic int ended;

static void run(int how)
{
    if (how % 8 == 0)
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    if (how % 8 == 1) {
        bine_block_begin(); /* brings spare workers in */
        usleep(200);
        bine_block_end();
    }
    ended++;
}

static void use_pool(int round)
{
    bine_pool *pool;
    bine_pool_options options = {.workers = 1 + (unsigned)round % 4, .serial = round % 5 == 0};
    if (options.serial)
        options.workers = 0;
    ended = 0;
    CHECK_EQ(bine_pool_open(&pool, &options), 0);
    for (int i = 0; i < round % 50; i++) /* none at all, too */
        CHECK_EQ(bine_pool_go(pool, run, i), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(ended, round % 50);
}

int main(void)
{
    for (int i = 0; i < SETTLED; i++)
        use_pool(i);
    int threads = process_threads(), descriptors = process_descriptors();
    long memory = process_read_kib("/proc/self/status", "VmRSS");
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        use_pool(i);
    /* A thread that was joined may stand in /proc for a moment. */
    EVENTUALLY(process_threads() <= threads);
    CHECK(process_descriptors() <= descriptors);
    if (!TEST_SANITIZED) /* they keep freed memory */
        CHECK(process_read_kib("/proc/self/status", "VmRSS") <= memory + GROWTH_KIB);
    return 0;
}
