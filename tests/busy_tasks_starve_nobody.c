/*
 * On one worker, tasks that are never done keep nobody else waiting for ever: two that hand a turn
 * to and fro, a chain in which each starts the next, and those whose waits all succeed at once.
 * Kept from running could be: an older fresh task, a sleeper, and one that a plain thread starts.
 */
#include "test.h"

static bine_pool *pool;
static _Atomic bool done;
static bine_event turn_of[2], set;
static bine_waitgroup empty;
static bine_mutex mutex;

static void be_done(void)
{
    done = true;
}

static void sleep_and_be_done(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    done = true;
}

static void talk(int side)
{
    while (!done) {
        CHECK_EQ(bine_event_wait(&turn_of[side]), 0);
        bine_event_clear(&turn_of[side]);
        bine_event_set(&turn_of[1 - side]);
    }
    bine_event_set(&turn_of[1 - side]);
}

static void start_talk(void)
{
    bine_event_clear(&turn_of[1]);
    bine_event_set(&turn_of[0]);
    CHECK_EQ(bine_go(talk, 0), 0);
    CHECK_EQ(bine_go(talk, 1), 0);
}

static void start_next(void)
{
    if (!done)
        CHECK_EQ(bine_go(start_next), 0);
}

static void await_next(void)
{
    while (!done) {
        bine_future(void) next = bine_async(bine_yield);
        CHECK(next);
        bine_await(next);
    }
}

static void wait_for_set_event(void)
{
    while (!done)
        CHECK_EQ(bine_event_wait(&set), 0);
}

static void wait_for_empty_group(void)
{
    while (!done)
        CHECK_EQ(bine_waitgroup_wait(&empty), 0);
}

static void sleep_for_nothing(void)
{
    while (!done)
        CHECK_EQ(bine_sleep(0), 0);
}

static void lock_and_unlock(void)
{
    while (!done) {
        bine_lock(&mutex);
        bine_unlock(&mutex);
    }
}

/* The other is started first: where the newest goes first, it is the last. */
static void start_both(void (*other)(void), void (*busy)(void))
{
    CHECK_EQ(bine_go(other), 0);
    CHECK_EQ(bine_go(busy), 0);
}

static void check_with(void (*busy)(void))
{
    done = false;
    CHECK_EQ(bine_pool_go(pool, start_both, be_done, busy), 0);
    CHECK_EQ(bine_pool_wait(pool), 0);
    done = false;
    CHECK_EQ(bine_pool_go(pool, start_both, sleep_and_be_done, busy), 0);
    CHECK_EQ(bine_pool_wait(pool), 0);
    done = false;
    CHECK_EQ(bine_pool_go(pool, busy), 0);
    CHECK_EQ(bine_pool_go(pool, be_done), 0);
    CHECK_EQ(bine_pool_wait(pool), 0);
}

int main(void)
{
    void (*const busy[])(void) = {start_talk,         start_next,           await_next,
                                  wait_for_set_event, wait_for_empty_group, sleep_for_nothing,
                                  lock_and_unlock};
    bine_event_set(&set);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
        check_with(busy[i]);
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
