/* While shielded, waits and bine_check ignore the cancellation of their task; shields nest. */
#include "test.h"

static bine_event event;

static void check_cancelled(void)
{
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    CHECK_EQ(bine_event_wait(&event), -ECANCELED);
}

static void check_shielded(void)
{
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_sleep(BINE_US(10)), 0);
    CHECK_EQ(bine_event_wait_until(&event, bine_after(BINE_US(10))), -ETIMEDOUT);
    CHECK_EQ(bine_event_wait_until(&event, BINE_NOW), -EAGAIN);
}

static void check_calls(void)
{
    CHECK(!bine_shield(true));
    check_shielded();
    CHECK(bine_shield(true));
    check_shielded();
    CHECK(bine_shield(false));
    check_cancelled();
    CHECK(!bine_shield(false));
    check_cancelled();
}

static int leave_by_return(void)
{
    BINE_SHIELDED
    {
        check_shielded();
        return 4;
    }
    return 5;
}

static void check_blocks(void)
{
    int after = 0;
    BINE_SHIELDED
    {
        check_shielded();
        BINE_SHIELDED
        {
            check_shielded();
        }
        check_shielded(); /* the inner block left the outer one's shield up */
    }
    check_cancelled();
    BINE_SHIELDED
    {
        break;
    }
    check_cancelled();
    for (int i = 0; i < 3; i++) {
        BINE_SHIELDED
        {
            continue;
        }
        after++; /* continue left the block only */
    }
    CHECK_EQ(after, 3);
    check_cancelled();
    CHECK_EQ(leave_by_return(), 4);
    check_cancelled();
}

static int run(void)
{
    CHECK_EQ(bine_sleep_until(BINE_NEVER), -ECANCELED);
    check_calls();
    check_blocks();
    return 0;
}

int main(void)
{
    bine_future(int) future = bine_async(run);
    CHECK(future);
    bine_cancel(future);
    CHECK_EQ(bine_await(future), 0);
    return 0;
}
