/* A cancel that comes while its task waits shielded does not end that wait, but the next one. */
#include "test.h"

static bine_event go_on;
static _Atomic bool shielded;

static int wait_shielded(void)
{
    BINE_SHIELDED
    {
        shielded = true;
        CHECK_EQ(bine_event_wait(&go_on), 0);
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    }
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    return 1;
}

int main(void)
{
    bine_future(int) future = bine_async(wait_shielded);
    CHECK(future);
    EVENTUALLY(shielded);
    test_until_parked(1);
    bine_cancel(future);
    CHECK_EQ(bine_await_any_until(&future, 1, bine_after(BINE_MS(50))), -ETIMEDOUT);
    bine_event_set(&go_on);
    CHECK_EQ(bine_await(future), 1);
    return 0;
}
