/* The default pool may be closed, by whichever thread, and starts afresh on next use. */
#include "test.h"

enum { ROUNDS = 50 };

static _Atomic int ended;

static void run(void)
{
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    ended++;
}

static void wait_long(void)
{
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    ended++;
}

int main(void)
{
    for (int i = 1; i <= ROUNDS; i++) {
        CHECK_EQ(bine_go(run), 0);
        CHECK_EQ(bine_go(run), 0);
        CHECK_EQ(bine_pool_close(NULL), 0);
        CHECK_EQ(ended, 2 * i);
    }
    ended = 0;
    CHECK_EQ(bine_go(wait_long), 0);
    CHECK_EQ(bine_pool_close_until(NULL, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(ended, 1);

    CHECK_EQ(bine_go(run), 0);
    EVENTUALLY(ended == 2);
    if (test_workers_wanted() > 0)
        CHECK_EQ(bine_pool_workers(bine_pool_self()), test_workers_wanted());
    return 0;
}
