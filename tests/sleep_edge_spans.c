/* Sleeps of nothing and of less return 0 at once; sleeps without end last until they are ended. */
#include "test.h"

static int check_short(void)
{
    CHECK_EQ(bine_sleep(0), 0);
    CHECK_EQ(bine_sleep(-1), 0);
    CHECK_EQ(bine_sleep(INT64_MIN), 0);
    CHECK_EQ(bine_sleep_until(BINE_NOW), 0);
    CHECK_EQ(bine_sleep_until(bine_now()), 0);
    CHECK_EQ(bine_sleep_until(bine_now()), 0);
    CHECK_EQ(bine_sleep(1), 0);
    return 0;
}

static int sleep_for(bine_time span)
{
    return bine_sleep(span);
}

static int sleep_until(bine_time deadline)
{
    return bine_sleep_until(deadline);
}

static void check_endless(bine_future(int) sleeper)
{
    CHECK(sleeper);
    test_until_parked(1);
    CHECK_EQ(bine_await_any_until(&sleeper, 1, BINE_NOW), -EAGAIN);
    bine_cancel(sleeper);
    CHECK_EQ(bine_await(sleeper), -ECANCELED);
}

int main(void)
{
    check_short();
    CHECK_EQ(bine_run(check_short), 0);
    check_endless(bine_async(sleep_for, INT64_MAX));
    check_endless(bine_async(sleep_for, INT64_MAX - 1));
    check_endless(bine_async(sleep_for, BINE_S(1000000000)));
    check_endless(bine_async(sleep_until, BINE_NEVER));
    check_endless(bine_async(sleep_until, BINE_NEVER - 1));
    return 0;
}
