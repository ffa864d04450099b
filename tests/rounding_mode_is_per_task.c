/* The floating-point control words belong to a task: one that changes them does so for itself. */
#include "test.h"
#include <fenv.h>

enum { ROUNDS = 500 };

static const int modes[] = {
    FE_TONEAREST,
    FE_UPWARD,
    FE_DOWNWARD,
    FE_TOWARDZERO,
};

static bool rounds_like(int mode)
{
    volatile double one = 1, tenth = 0.1;
    volatile long double long_one = 1, long_three = 3;
    double sum = one + tenth * 1e-20, difference = one - tenth * 1e-20;
    long double third = long_one / long_three;
    (void)third;
    CHECK_EQ(fegetround(), mode);
    return (sum > 1) == (mode == FE_UPWARD) &&
           (difference < 1) == (mode == FE_DOWNWARD || mode == FE_TOWARDZERO);
}

static int keep(int number)
{
    int mode = modes[number % 4];
    CHECK_EQ(fegetround(), FE_TONEAREST); /* a new task starts with the usual one */
    CHECK_EQ(fesetround(mode), 0);
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        CHECK(rounds_like(mode));
        if (i % 16 == 0)
            CHECK_EQ(bine_sleep(BINE_US(20)), 0);
        else
            bine_yield();
    }
    CHECK(rounds_like(mode));
    return number;
}

int main(void)
{
    bine_future(int) futures[16];
    for (int i = 0; i < 16; i++) {
        futures[i] = bine_async(keep, i);
        CHECK(futures[i]);
    }
    for (int i = 0; i < 16; i++)
        CHECK_EQ(bine_await(futures[i]), i);
    CHECK_EQ(fegetround(), FE_TONEAREST);
    return 0;
}
