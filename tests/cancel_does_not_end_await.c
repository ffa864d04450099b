/* bine_await and bine_lock go on when their caller is cancelled: they always do what they say. */
#include "test.h"

static bine_event go_on;
static bine_mutex mutex;
static _Atomic int awaiting;

static int wait_for_go(void)
{
    CHECK_EQ(bine_event_wait(&go_on), 0); /* the caller's cancellation is not inherited */
    return 5;
}

static int await_it(void)
{
    bine_future(int) awaited = bine_async(wait_for_go);
    CHECK(awaited);
    awaiting++;
    CHECK_EQ(bine_await(awaited), 5);
    CHECK_EQ(bine_check(), -ECANCELED);
    return 6;
}

static int lock_it(void)
{
    awaiting++;
    bine_lock(&mutex);
    bine_unlock(&mutex);
    CHECK_EQ(bine_check(), -ECANCELED);
    return 7;
}

int main(void)
{
    bine_lock(&mutex);
    bine_future(int) awaiter = bine_async(await_it);
    bine_future(int) locker = bine_async(lock_it);
    bine_future(int) futures[] = {awaiter, locker};
    CHECK(awaiter && locker);
    EVENTUALLY(awaiting == 2);
    test_until_parked(2);
    bine_cancel(awaiter);
    bine_cancel(locker);
    CHECK_EQ(bine_await_any_until(futures, 2, bine_after(BINE_MS(50))), -ETIMEDOUT);
    bine_event_set(&go_on);
    bine_unlock(&mutex);
    CHECK_EQ(bine_await(awaiter), 6);
    CHECK_EQ(bine_await(locker), 7);
    return 0;
}
