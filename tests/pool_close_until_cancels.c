/*
 * bine_pool_close_until cancels the tasks left at its deadline, waits for them and says -ETIMEDOUT;
 * where they end in time it says 0 and cancels nobody.
 */
#include "test.h"

enum { TASKS = 100 };

static _Atomic int ended, cancelled;
static bine_event never_set;

static void wait_long(int how)
{
    int result = how % 2 ? bine_sleep(BINE_S(1000)) : bine_event_wait(&never_set);
    CHECK_EQ(result, -ECANCELED);
    BINE_SHIELDED
    {
        CHECK_EQ(bine_sleep(BINE_MS(how % 3)), 0); /* clean-up: close waits for it, too */
    }
    cancelled++;
    ended++;
}

static void wait_briefly(int how)
{
    CHECK_EQ(bine_sleep(BINE_US(how * 10)), 0);
    CHECK_EQ(bine_check(), 0);
    ended++;
}

/* Never waits, only looks. */
static void compute_until_cancelled(int how)
{
    (void)how;
    while (bine_check() == 0)
        test_spin(1000);
    CHECK_EQ(bine_check(), -ECANCELED);
    cancelled++;
    ended++;
}

static void check_close(void (*fn)(int), bine_time patience, int expected)
{
    bine_pool *pool;
    ended = cancelled = 0;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 3}), 0);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_pool_go(pool, fn, i), 0);
    CHECK_EQ(bine_pool_close_until(pool, bine_after(patience)), expected);
    CHECK_EQ(ended, TASKS);
    CHECK_EQ(cancelled, expected == 0 ? 0 : TASKS);
}

int main(void)
{
    check_close(wait_long, BINE_MS(5), -ETIMEDOUT);
    check_close(wait_long, 0, -ETIMEDOUT);
    check_close(compute_until_cancelled, BINE_MS(5), -ETIMEDOUT);
    check_close(wait_briefly, BINE_S(1000), 0);
    return 0;
}
