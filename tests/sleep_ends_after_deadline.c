/* A sleep ends by itself and never before its deadline: in tasks and plain threads, many at once.
 */
#include "test_support/crowd.h"

enum { SLEEPERS = 200, SLEEPS = 10, LONGEST_US = 3000 };

static uint64_t seed;

static void sleep_often(int number)
{
    uint64_t state = seed + (uint64_t)number;
    for (int i = 0; i < SLEEPS; i++) {
        bine_time span = BINE_US(test_random_below(&state, LONGEST_US));
        bine_time deadline = bine_after(span);
        if (i % 2)
            CHECK_EQ(bine_sleep_until(deadline), 0);
        else
            CHECK_EQ(bine_sleep(span), 0);
        CHECK(bine_now() >= deadline);
    }
}

int main(int argc, char **argv)
{
    seed = test_read_options(argc, argv).seed;
    crowd_start_mixed(sleep_often, SLEEPERS);
    crowd_join();
    return 0;
}
