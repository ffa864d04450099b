/* 100,000 tasks sleep at once; each wakes once, none before its time. */
#include "test.h"

enum { SLEEPERS = 100000 };

static _Atomic int woken;
static bine_waitgroup group;

static void sleep_once(bine_time deadline)
{
    CHECK_EQ(bine_sleep_until(deadline), 0);
    CHECK(bine_now() >= deadline);
    woken++;
    bine_waitgroup_done(&group);
}

int main(int argc, char **argv)
{
    uint64_t seed = test_read_options(argc, argv).seed;
    int sleepers = test_scaled(SLEEPERS);
    bine_time start = bine_now();
    for (int i = 0; i < sleepers; i++) {
        bine_time span = BINE_MS(200) + BINE_US(test_random_below(&seed, 500000));
        bine_waitgroup_add(&group, 1);
        CHECK_EQ(bine_go(sleep_once, start + span), 0);
    }
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(woken, sleepers);
    return 0;
}
