/* bine_run runs a function as a task on the default pool and returns its result. */
#include "test.h"

static int add(int left, int right)
{
    CHECK(bine_id() != 0);
    CHECK(bine_worker() >= 0);
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    return left + right;
}

static int answer(void)
{
    return -7;
}

static int inner(void)
{
    bine_pool *here = bine_pool_self();
    CHECK_EQ(bine_run(answer), -7); /* from a task, too */
    CHECK(bine_pool_self() == here);
    return 1;
}

int main(void)
{
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(bine_run(add, i, -1), i - 1);
    CHECK_EQ(bine_run(answer), -7);
    CHECK_EQ(bine_run(inner), 1);
    return 0;
}
