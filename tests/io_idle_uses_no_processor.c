/*
 * A program whose tasks and threads all wait for descriptors uses no processor time: over a second,
 * less than 20 ms of it. Nor does it where the pool that looked for events last is closed.
 */
#include "test_support/process.h"
#include "test_support/net.h"

enum { WAITERS = 100, SETTLE_MS = 300, LIMIT_MS = TEST_SANITIZED ? 100 : 20 };

static int ends[2];

static ssize_t read_byte(void)
{
    char byte;
    return bine_read(ends[0], &byte, 1);
}

static void *read_in_thread(void *unused)
{
    (void)unused;
    CHECK_EQ(read_byte(), 1);
    return NULL;
}

static void check_idle(void)
{
    usleep(SETTLE_MS * 1000);
    int64_t before = process_cpu_ns();
    usleep(1000000);
    int64_t used = process_cpu_ns() - before;
    dprintf(1, "processor time in an idle second: %" PRId64 " us\n", used / 1000);
    CHECK(used < (int64_t)LIMIT_MS * 1000000);
}

int main(void)
{
    bine_pool *pool;
    char bytes[WAITERS] = {0};
    net_pair(ends);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 2}), 0);
    for (int i = 0; i < WAITERS - 1; i++)
        CHECK_EQ(bine_pool_go(i % 2 ? pool : NULL, read_byte), 0);
    pthread_t thread = test_thread(read_in_thread, NULL);
    test_until_parked(WAITERS - 1);
    check_idle();
    CHECK_EQ(bine_write_full(ends[1], bytes, WAITERS), 0);
    test_join(thread);
    CHECK_EQ(bine_pool_close(pool), 0);
    for (int i = 0; i < WAITERS - 1; i++)
        CHECK_EQ(bine_go(read_byte), 0);
    test_until_parked(WAITERS - 1);
    check_idle();
    CHECK_EQ(bine_write_full(ends[1], bytes, WAITERS - 1), 0);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    net_close(ends);
    return 0;
}
