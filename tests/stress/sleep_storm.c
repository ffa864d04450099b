/*
 * Thousands of sleeps of all lengths, some cancelled: each ends once, on time or by its cancel, and
 * no timer is left to hit a later wait of the same task.
 */
#include "../test_support/storm.h"

enum { ACTORS = 12, BATCH = 200 };

static _Atomic long slept, cancelled;

static void check_sleep(int result, bine_time deadline)
{
    CHECK(result == 0 || result == -ECANCELED);
    if (result == 0)
        CHECK(bine_now() >= deadline);
    *(result == 0 ? &slept : &cancelled) += 1;
}

/* Two sleeps in a row: a timer of the first that came late would end the second too early. */
static int sleep_twice(uint64_t seed)
{
    uint64_t state = seed;
    int result = 0;
    for (int i = 0; i < 2; i++) {
        bine_time span = (bine_time)test_random_below(
            &state, test_random_below(&state, 2) ? BINE_US(100) : BINE_MS(30));
        bine_time deadline = bine_after(span);
        result = seed % 2 ? bine_sleep(span) : bine_sleep_until(deadline);
        check_sleep(result, deadline);
        storm_shift(&state);
    }
    return result;
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        bine_future(int) sleepers[BATCH];
        for (int i = 0; i < BATCH; i++) {
            sleepers[i] = bine_async(sleep_twice, test_random(&state));
            CHECK(sleepers[i]);
        }
        for (int i = 0; i < BATCH; i++) {
            if (test_random_below(&state, 4) == 0)
                bine_cancel(sleepers[i]);
            storm_shift(&state);
        }
        for (int i = 0; i < BATCH; i++)
            bine_await(sleepers[i]);
    }
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK(slept > 0 && cancelled > 0);
    printf("%ld slept, %ld cancelled\n", (long)slept, (long)cancelled);
    return 0;
}
