/* A wait for a group ends at its deadline and not before, and leaves the group as it was. */
#include "test.h"

enum { WAITERS = 20 };

static bine_waitgroup group;
static _Atomic int gave_up;

static void wait_in_vain(void)
{
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(bine_waitgroup_wait_until(&group, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_waitgroup_wait_until(&group, bine_now()), -ETIMEDOUT);
    gave_up++;
}

static void *wait_in_thread(void *unused)
{
    wait_in_vain();
    return unused;
}

int main(void)
{
    bine_waitgroup_add(&group, 1);
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(bine_go(wait_in_vain), 0);
    test_join(test_thread(wait_in_thread, NULL));
    EVENTUALLY(gave_up == WAITERS + 1);
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), -EAGAIN);
    bine_waitgroup_done(&group);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), 0);
    CHECK_EQ(bine_waitgroup_wait_until(&group, bine_now()), 0);
    return 0;
}
