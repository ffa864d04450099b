/*
 * Who sleeps in the poller is woken by calls although other workers, who search, look into the
 * poller at the same time: two pools, each called by a thread again and again, never leave a task
 * where it is.
 */
#include "test.h"
#include <bine.h>
#include <sys/socket.h>

enum { ROUNDS = TEST_SANITIZED ? 2000 : 10000, MOST_PAUSE = 50000 };

static int give_back(int value)
{
    return value;
}

static void *call_pool(void *argument)
{
    bine_pool *pool = argument;
    uint64_t state = (uint64_t)(uintptr_t)pool;
    for (int i = 0; i < ROUNDS; i++) {
        bine_future(int) future = bine_pool_async(pool, give_back, i);
        CHECK_EQ(bine_await(future), i);
        test_spin((unsigned)test_random_below(&state, MOST_PAUSE));
    }
    return NULL;
}

static void read_byte(int fd)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    CHECK_EQ(bine_close(fd), 0);
}

/* It opens with the first wait for a descriptor. */
static void open_poller(bine_pool *pool)
{
    int ends[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    bine_future(void) reader = bine_pool_async(pool, read_byte, ends[0]);
    test_until_parked(1);
    CHECK_EQ(write(ends[1], "", 1), 1);
    bine_await(reader);
    CHECK_EQ(close(ends[1]), 0);
}

int main(void)
{
    bine_pool *pools[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_pool_open(&pools[i], NULL), 0);
    open_poller(pools[0]);
    for (int i = 0; i < 2; i++)
        threads[i] = test_thread(call_pool, pools[i]);
    for (int i = 0; i < 2; i++)
        test_join(threads[i]);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_pool_close(pools[i]), 0);
    return 0;
}
