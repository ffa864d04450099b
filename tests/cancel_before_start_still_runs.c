/* A task that is cancelled before it starts still runs, and finds itself cancelled. */
#include "test.h"

enum { TASKS = 2000 };

static _Atomic int ran, cancelled_early;

static int run(int *given)
{
    ran++;
    if (bine_check() == -ECANCELED)
        cancelled_early++;
    int result = bine_sleep(BINE_S(1000));
    CHECK_EQ(result, -ECANCELED);
    free(given); /* what it was given is not lost */
    return result;
}

static bine_future(int) start_cancelled(void)
{
    bine_future(int) future = bine_async(run, malloc(sizeof(int)));
    CHECK(future);
    bine_cancel(future);
    return future;
}

static int start_and_cancel(int count)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(bine_await(start_cancelled()), -ECANCELED);
    for (int i = 0; i < count; i++)
        bine_drop(start_cancelled());
    return 0;
}

int main(void)
{
    int tasks = test_scaled(TASKS);
    start_and_cancel(tasks);
    EVENTUALLY(ran == 2 * tasks);

    bine_pool *pool; /* one worker: the starter runs, so its tasks surely have not started */
    ran = cancelled_early = 0;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    bine_future(int) starter = bine_pool_async(pool, start_and_cancel, tasks);
    CHECK(starter);
    CHECK_EQ(bine_await(starter), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(ran, 2 * tasks);
    CHECK(cancelled_early > 0);
    return 0;
}
