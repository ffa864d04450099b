/*
 * Tasks that yield in a loop on one worker keep neither a fresh task, nor a woken one, nor one that
 * sleeps, nor one that a plain thread starts from running.
 */
#include "test.h"

enum { YIELDERS = 20 };

static _Atomic bool done;
static bine_event event;

static void yield_until_done(void)
{
    while (!done)
        bine_yield();
}

static void be_done(void)
{
    done = true;
}

static void be_done_after_event(void)
{
    CHECK_EQ(bine_event_wait(&event), 0);
    done = true;
}

static void be_done_after_sleep(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    done = true;
}

static void start_fresh(void)
{
    CHECK_EQ(bine_go(be_done), 0);
    yield_until_done();
}

static void start_woken(void)
{
    CHECK_EQ(bine_go(be_done_after_event), 0);
    for (int i = 0; i < 100; i++)
        bine_yield();
    bine_event_set(&event);
    yield_until_done();
}

static void start_sleeping(void)
{
    CHECK_EQ(bine_go(be_done_after_sleep), 0);
    yield_until_done();
}

static void check_with(bine_pool *pool, void (*starter)(void))
{
    done = false;
    for (int i = 0; i < YIELDERS; i++)
        CHECK_EQ(bine_pool_go(pool, yield_until_done), 0);
    CHECK_EQ(bine_pool_go(pool, starter), 0);
    CHECK_EQ(bine_pool_wait(pool), 0);
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    check_with(pool, start_fresh);
    check_with(pool, start_woken);
    check_with(pool, start_sleeping);
    check_with(pool, be_done); /* from this plain thread, behind all the others */
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
