/* Plain threads and tasks await what tasks compute, whether it has ended, runs or waits by then. */
#include "test_support/crowd.h"

enum { AWAITERS = 16, ROUNDS = 400 };

static int square(int number)
{
    return number * number;
}

static int square_later(int number)
{
    CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    return square(number);
}

static int square_after_yields(int number)
{
    for (int i = 0; i < number % 5; i++)
        bine_yield();
    return square(number);
}

static void await_often(int number)
{
    int (*const kinds[])(int) = {square, square_later, square_after_yields};
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        int (*kind)(int) = kinds[(number + i) % 3];
        bine_future(int) future = bine_async(kind, i);
        CHECK(future);
        if (i % 4 == 0)
            bine_yield();
        CHECK_EQ(bine_await(future), i * i);
    }
}

int main(void)
{
    crowd_start_mixed(await_often, AWAITERS);
    crowd_join();
    return 0;
}
