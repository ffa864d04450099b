/*
 * A worker's thread that ends (a spare, 10 s after its last use) runs the destructors of the
 * program's thread-local data, and they may use bine, while others go on.
 */
/* test: workers=2 */
#include "test.h"
#include <bine/pool.h>

enum { SPARES = 4 };

static pthread_key_t key;
static bine_event over;
static _Atomic int begun, ended;

static int answer(void)
{
    return 7;
}

static void destroy(void *unused)
{
    bine_pool *pool;
    (void)unused;
    begun++;
    usleep(20000); /* meanwhile somebody looks for threads that have ended */
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 1}), 0);
    bine_future(int) future = bine_pool_async(pool, answer);
    CHECK(future);
    CHECK_EQ(bine_await(future), 7);
    CHECK_EQ(bine_pool_close(pool), 0);
    ended++;
}

static void block_thread(bine_event *done)
{
    CHECK_EQ(pthread_setspecific(key, &key), 0);
    usleep(50000);
    bine_event_set(done);
}

/* Keeps a worker awake now and then, so that the monitor looks. */
static void tick(void)
{
    while (bine_event_wait_until(&over, bine_after(BINE_MS(1))) == -ETIMEDOUT)
        ;
}

int main(void)
{
    bine_event done[SPARES] = {0};
    CHECK_EQ(pthread_key_create(&key, destroy), 0);
    bine_future(void) ticker = bine_async(tick);
    for (int i = 0; i < SPARES; i++)
        CHECK_EQ(bine_go(block_thread, &done[i]), 0);
    for (int i = 0; i < SPARES; i++)
        CHECK_EQ(bine_event_wait(&done[i]), 0);
    EVENTUALLY(begun > 0 && ended == begun);
    bine_event_set(&over);
    bine_await(ticker);
    CHECK_EQ(bine_pool_close(NULL), 0);
    CHECK_EQ(ended, begun);
    return 0;
}
