/*
 * A program whose tasks and threads all wait uses no processor time: over a second, less than
 * 20 ms of it. This is processor time, not time on the wall, so a busy machine does not disturb.
 */
#include "test_support/process.h"

enum { SLEEPERS = 1000, SETTLE_MS = 300, LIMIT_MS = TEST_SANITIZED ? 100 : 20 };

static bine_event never_set;
static bine_mutex held;

static void sleep_long(void)
{
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
}

static void wait_long(void)
{
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
}

static void wait_for_lock(void)
{
    CHECK_EQ(bine_lock_until(&held, BINE_NEVER), -ECANCELED);
}

static void *wait_in_thread(void *unused)
{
    CHECK_EQ(bine_event_wait(&never_set), 0);
    return unused;
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 4}), 0);
    bine_lock(&held);
    for (int i = 0; i < SLEEPERS; i++) {
        CHECK_EQ(bine_pool_go(i % 2 ? pool : NULL, sleep_long), 0);
        CHECK_EQ(bine_pool_go(i % 2 ? pool : NULL, wait_long), 0);
        CHECK_EQ(bine_pool_go(i % 2 ? pool : NULL, wait_for_lock), 0);
    }
    pthread_t thread = test_thread(wait_in_thread, NULL);
    test_until_parked(3 * SLEEPERS);
    usleep(SETTLE_MS * 1000);

    int64_t before = process_cpu_ns();
    usleep(1000000);
    int64_t used = process_cpu_ns() - before;
    dprintf(1, "processor time in an idle second: %" PRId64 " us\n", used / 1000);
    CHECK(used < (int64_t)LIMIT_MS * 1000000);

    CHECK_EQ(bine_pool_close_until(NULL, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_pool_close_until(pool, bine_now()), -ETIMEDOUT);
    bine_event_set(&never_set);
    test_join(thread);
    bine_unlock(&held);
    return 0;
}
