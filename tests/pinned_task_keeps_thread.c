/*
 * A pinned task stays on its OS thread across every kind of wait, while others wander; pins nest,
 * and other tasks still run on that thread.
 */
#include "test_support/crowd.h"

enum { TASKS = 24, ROUNDS = 200 };

static _Atomic int turns;
static bine_mutex mutex;
static bine_event never_set;

static int compute(int number)
{
    bine_yield();
    return number;
}

static void wait_somehow(int how)
{
    switch (how % 6) {
    case 0:
        bine_yield();
        break;
    case 1:
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
        break;
    case 2:
        bine_lock(&mutex);
        bine_yield();
        bine_unlock(&mutex);
        break;
    case 3: {
        bine_future(int) future = bine_async(compute, how);
        CHECK(future);
        CHECK_EQ(bine_await(future), how);
        break;
    }
    case 4:
        CHECK_EQ(bine_event_wait_until(&never_set, bine_after(BINE_US(50))), -ETIMEDOUT);
        break;
    default:
        bine_block_begin();
        usleep(200);
        bine_block_end();
    }
}

static void stay(int number)
{
    pid_t thread = gettid();
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        wait_somehow(number + i);
        CHECK_EQ(gettid(), thread);
    }
}

static void stay_by_call(int number)
{
    bine_pin();
    stay(number);
    pid_t thread = gettid();
    bine_pin();
    bine_unpin();
    stay(number); /* one of two pins is left */
    CHECK_EQ(gettid(), thread);
    bine_unpin();
}

static void wander(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        wait_somehow(number + i);
}

static void stay_or_wander(int number)
{
    (number % 2 ? stay_by_call : wander)(number);
}

static void await_pinned(int number)
{
    bine_future(void) future = bine_async_with(BINE_OPTIONS(.pinned = true), stay, number);
    CHECK(future);
    bine_await(future);
}

static void stay_briefly(void)
{
    bine_pin();
    pid_t thread = gettid();
    for (int i = 0; i < 10; i++) {
        if (i % 3 == 0)
            CHECK_EQ(bine_sleep(BINE_US(20)), 0);
        else
            bine_yield();
        CHECK_EQ(gettid(), thread);
    }
    bine_unpin();
}

/* They pin themselves while they run, perhaps, on their awaiter's stack. */
static void await_pinning(int number)
{
    (void)number;
    for (int i = 0; i < 10 * test_scaled(ROUNDS); i++) {
        bine_future(void) future = bine_async(stay_briefly);
        CHECK(future);
        bine_await(future);
        bine_yield();
    }
}

/* Two tasks, one of them pinned, on one worker: both take turns on the same thread. */
static void take_turn(bool pin, const pid_t *first)
{
    if (pin)
        bine_pin();
    for (int i = 0; i < 10; i++) {
        CHECK(*first == gettid());
        turns++;
        bine_yield();
    }
    if (pin)
        bine_unpin();
}

static int share_thread(void)
{
    pid_t first = gettid();
    bine_future(void) pinned = bine_async(take_turn, true, &first);
    bine_future(void) loose = bine_async(take_turn, false, &first);
    CHECK(pinned && loose);
    bine_await(pinned);
    bine_await(loose);
    return turns;
}

int main(void)
{
    bine_pool *pool;
    crowd_start_tasks(stay_or_wander, TASKS);
    crowd_start_tasks(await_pinned, TASKS / 2);
    crowd_start_tasks(await_pinning, TASKS / 2);
    crowd_join();

    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    bine_future(int) sharing = bine_pool_async(pool, share_thread);
    CHECK(sharing);
    CHECK_EQ(bine_await(sharing), 20);
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
