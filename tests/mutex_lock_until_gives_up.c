/*
 * bine_lock_until gives up at its deadline and not before, takes what is free whatever the
 * deadline, and a waiter that gave up does not get the lock later.
 */
#include "test.h"

enum { WAITERS = 20 };

static bine_mutex mutex;
static _Atomic int gave_up;

static void wait_in_vain(void)
{
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(bine_lock_until(&mutex, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);
    CHECK_EQ(bine_lock_until(&mutex, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_lock_until(&mutex, bine_now()), -ETIMEDOUT);
    gave_up++;
}

static void *wait_in_vain_in_thread(void *unused)
{
    wait_in_vain();
    return unused;
}

static int check(void)
{
    bine_time deadlines[] = {BINE_NEVER, BINE_NOW, bine_now(), bine_after(BINE_S(1000))};
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        CHECK_EQ(bine_lock_until(&mutex, deadlines[i]), 0);
        bine_unlock(&mutex);
    }
    bine_lock(&mutex);
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(bine_go(wait_in_vain), 0);
    test_join(test_thread(wait_in_vain_in_thread, NULL));
    EVENTUALLY(gave_up == WAITERS + 1);
    bine_unlock(&mutex);
    CHECK_EQ(bine_try_lock(&mutex), 0);
    bine_unlock(&mutex);
    return 0;
}

int main(void)
{
    check();
    gave_up = 0;
    bine_future(int) in_task = bine_async(check);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
