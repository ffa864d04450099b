/* bine_pool_wait waits for all tasks of the pool, those started meanwhile included, again and
 * again; its deadline and its caller's cancellation end the wait, not the tasks. */
#include "test.h"

static bine_pool *pool;
static _Atomic int left_to_run;
static bine_event go_on;

static void spread(int depth)
{
    if (depth > 0) {
        left_to_run += 2;
        CHECK_EQ(bine_go(spread, depth - 1), 0);
        CHECK_EQ(bine_go(spread, depth - 1), 0);
    }
    if (depth % 3 == 0)
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    left_to_run--;
}

static void wait_for_go(void)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
}

static int wait_cancelled(void)
{
    CHECK_EQ(bine_pool_wait(pool), -ECANCELED);
    CHECK_EQ(bine_pool_wait_until(pool, bine_after(BINE_S(1000))), -ECANCELED);
    return 0;
}

static int wait_in_task(void)
{
    CHECK_EQ(bine_pool_wait(pool), 0);
    CHECK_EQ(left_to_run, 0);
    return 0;
}

static void check_deadlines(void)
{
    CHECK_EQ(bine_pool_go(pool, wait_for_go), 0);
    CHECK_EQ(bine_pool_wait_until(pool, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_pool_wait_until(pool, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_pool_wait_until(pool, bine_after(BINE_MS(2))), -ETIMEDOUT);
    bine_future(int) cancelled = bine_async(wait_cancelled);
    CHECK(cancelled);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 0);
    bine_event_set(&go_on);
    CHECK_EQ(bine_pool_wait_until(pool, bine_after(BINE_S(1000))), 0);
    CHECK_EQ(bine_pool_wait_until(pool, BINE_NOW), 0);
}

int main(void)
{
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 2}), 0);
    CHECK_EQ(bine_pool_wait(pool), 0); /* nothing to wait for */
    for (int i = 0; i < 20; i++) {
        left_to_run = 1;
        CHECK_EQ(bine_pool_go(pool, spread, 6), 0);
        CHECK_EQ(bine_pool_wait(pool), 0);
        CHECK_EQ(left_to_run, 0);
    }
    left_to_run = 1;
    CHECK_EQ(bine_pool_go(pool, spread, 6), 0);
    bine_future(int) waiter = bine_async(wait_in_task);
    CHECK(waiter);
    CHECK_EQ(bine_pool_wait(pool), 0);
    CHECK_EQ(bine_await(waiter), 0);
    check_deadlines();
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
