/* Permits that are there are taken whatever the deadline; else an acquire waits until it, or until
 * it is cancelled, and takes none. */
#include "test_support/line.h"

static bine_sem sem;
static _Atomic bool go_on;

static int acquire(size_t permits, bine_time deadline)
{
    return bine_sem_acquire_until(&sem, permits, deadline);
}

static int acquire_when_told(void)
{
    EVENTUALLY(go_on);
    CHECK_EQ(acquire(1, BINE_NOW), -ECANCELED);
    CHECK_EQ(acquire(0, BINE_NEVER), -ECANCELED);
    return bine_sem_acquire(&sem, 1); /* though there is one */
}

static int check_all(void)
{
    bine_sem_init(&sem, 3);
    CHECK_EQ(acquire(1, BINE_NOW), 0);
    CHECK_EQ(acquire(1, bine_now()), 0);
    CHECK_EQ(acquire(2, BINE_NOW), -EAGAIN);
    CHECK_EQ(acquire(2, bine_now()), -ETIMEDOUT);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(acquire(2, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);

    go_on = false;
    bine_future(int) before = bine_async(acquire_when_told);
    bine_future(int) waiting = bine_async(acquire, (size_t)2, BINE_NEVER);
    CHECK(before && waiting);
    bine_cancel(before);
    go_on = true;
    CHECK_EQ(bine_await(before), -ECANCELED);
    line_until(&sem, 1);
    bine_cancel(waiting);
    CHECK_EQ(bine_await(waiting), -ECANCELED);
    CHECK_EQ(acquire(1, BINE_NOW), 0);
    CHECK_EQ(acquire(1, BINE_NOW), -EAGAIN);
    return 0;
}

int main(void)
{
    CHECK_EQ(acquire(1, BINE_NOW), -EAGAIN); /* all-zero has none */
    bine_sem_release(&sem, 1);
    CHECK_EQ(acquire(1, BINE_NOW), 0);
    check_all();
    CHECK_EQ(bine_run(check_all), 0);
    return 0;
}
