/*
 * A parent may wait (sleep, lock, await, yield, stand at an event) with children that it has not
 * joined, and so may the children: all run once, also where there is one worker, and a child may be
 * what the parent waits for.
 */
#include "test.h"
#include <bine/parallel.h>

static bine_mutex mutex;
static int locked_count;
static _Atomic int ran;

static int sleep_a_little(int us)
{
    CHECK_EQ(bine_sleep(BINE_US(us)), 0);
    ran++;
    return us;
}

static int lock_and_count(int times)
{
    for (int i = 0; i < times; i++) {
        bine_lock(&mutex);
        if (i % 3 == 0)
            bine_yield();
        locked_count++;
        bine_unlock(&mutex);
    }
    ran++;
    return times;
}

static int set_event(bine_event *event)
{
    bine_event_set(event);
    ran++;
    return 1;
}

static int two_more(int depth)
{
    if (depth == 0)
        return sleep_a_little(1) ? 1 : 0;
    bine_child(int) left, right;
    bine_fork(&left, two_more, depth - 1);
    bine_yield();
    bine_fork(&right, two_more, depth - 1);
    CHECK_EQ(bine_sleep(1000), 0);
    int sum = bine_join(&right);
    bine_yield();
    return sum + bine_join(&left);
}

static int wait_in_between(void)
{
    bine_child(int) a, b, c, d;
    bine_event event = {0};
    int before = ran;
    locked_count = 0;
    bine_fork(&a, sleep_a_little, 50);
    bine_fork(&b, lock_and_count, 20);
    CHECK_EQ(lock_and_count(20), 20);
    bine_yield();
    bine_fork(&c, set_event, &event);
    CHECK_EQ(bine_event_wait(&event), 0); /* only the child sets it */
    bine_fork(&d, lock_and_count, 10);
    bine_future(int) future = bine_async(lock_and_count, 5);
    CHECK(future);
    CHECK_EQ(bine_await(future), 5);
    CHECK_EQ(bine_join(&d), 10);
    CHECK_EQ(bine_join(&c), 1);
    CHECK_EQ(bine_join(&b), 20);
    CHECK_EQ(bine_join(&a), 50);
    CHECK_EQ(locked_count, 55);
    CHECK_EQ(ran, before + 6);
    CHECK_EQ(two_more(4), 16);
    return 0;
}

static int in_turn(void)
{
    for (int i = 0; i < test_scaled(40); i++)
        CHECK_EQ(wait_in_between(), 0);
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_run(in_turn), 0);
    CHECK_EQ(in_turn(), 0);
    return 0;
}
