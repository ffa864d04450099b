/* Cancelling a task that has ended, or NULL, changes nothing; its record's next user is not hit. */
#include "test.h"

enum { TASKS = 20000 };

static int compute(int number)
{
    CHECK_EQ(bine_check(), 0);
    return number;
}

int main(void)
{
    bine_cancel((bine_future(void))NULL);
    for (int i = 0; i < test_scaled(TASKS); i++) {
        bine_future(int) future = bine_async(compute, i);
        CHECK(future);
        CHECK_EQ(bine_await_any(&future, 1), 0);
        bine_cancel(future);
        CHECK_EQ(bine_await(future), i);
    }
    return 0;
}
