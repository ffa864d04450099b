/* bine_await_any returns the index of an ended future and leaves all of them to be awaited. */
#include "test.h"

enum { FUTURES = 100, ROUNDS = 200 };

static bine_event go_on[FUTURES];
static uint64_t seed;

static int wait_for_go(int number)
{
    CHECK_EQ(bine_event_wait(&go_on[number]), 0);
    return 1000 + number;
}

/* Lets them end one by one, in random order, with gaps and doubles in the array. */
static int collect(void)
{
    bine_future(int) futures[FUTURES];
    for (int i = 0; i < FUTURES; i++) {
        bine_event_clear(&go_on[i]);
        futures[i] = bine_async(wait_for_go, i);
        CHECK(futures[i]);
    }
    for (int left = FUTURES; left > 0; left--) {
        int chosen;
        do
            chosen = (int)test_random_below(&seed, FUTURES);
        while (!futures[chosen]);
        bine_event_set(&go_on[chosen]);
        CHECK_EQ(bine_await_any(futures, FUTURES), chosen);
        CHECK_EQ(bine_await_any(futures, FUTURES), chosen); /* it was not consumed */
        CHECK_EQ(bine_await_any_until(futures, FUTURES, BINE_NOW), chosen);
        CHECK_EQ(bine_await(futures[chosen]), 1000 + chosen);
        futures[chosen] = NULL;
    }
    return 0;
}

static int race(int number)
{
    if (number % 3 == 0)
        bine_yield();
    return number;
}

/* Several end while the wait begins; whichever is named has ended. */
static int collect_racing(void)
{
    bine_future(int) futures[8];
    for (int i = 0; i < 8; i++) {
        futures[i] = bine_async(race, i);
        CHECK(futures[i]);
    }
    for (int left = 8; left > 0; left--) {
        int result = -1;
        int ended = bine_await_any(futures, 8);
        CHECK(ended >= 0 && ended < 8 && futures[ended]);
        CHECK_EQ(bine_await_until(futures[ended], &result, BINE_NOW), 0);
        CHECK_EQ(result, ended);
        futures[ended] = NULL;
    }
    return 0;
}

static int check(void)
{
    collect();
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        collect_racing();
    return 0;
}

int main(int argc, char **argv)
{
    seed = test_read_options(argc, argv).seed;
    check();
    bine_future(int) in_task = bine_async(check);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
