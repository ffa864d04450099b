/* A pool that is closing refuses new tasks with -EPIPE, and waits for those it has. */
#include "test.h"

static bine_pool *pool;
static _Atomic int started, ended;

static int run(void)
{
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    ended++;
    return 0;
}

static void start_until_refused(void)
{
    int result;
    while ((result = bine_pool_go(pool, run)) == 0) {
        started++;
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    }
    CHECK_EQ(result, -EPIPE);
    errno = 0;
    CHECK(bine_pool_async(pool, run) == NULL);
    CHECK_EQ(errno, EPIPE);
    CHECK_EQ(bine_go(run), -EPIPE);      /* the caller's pool is this one */
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0); /* the running ones are not disturbed */
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        started = ended = 0;
        CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 2}), 0);
        for (int j = 0; j < 4; j++)
            CHECK_EQ(bine_pool_go(pool, start_until_refused), 0);
        EVENTUALLY(started > 10);
        CHECK_EQ(bine_pool_close(pool), 0);
        CHECK_EQ(ended, started);
    }
    return 0;
}
