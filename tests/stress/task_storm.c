/*
 * Tasks are started, awaited with and without deadlines, dropped and cancelled, from tasks and
 * plain threads: each runs once, gives its own result, and none is lost or left.
 */
#include "../test_support/storm.h"

enum { ACTORS = 16, BATCH = 12, DEPTH = 3 };

static _Atomic long started, ended;

static long live(uint64_t seed, int depth);

static bine_future(long) start(uint64_t *state, int depth, uint64_t *seed)
{
    *seed = test_random(state);
    started++;
    bine_future(long) future = bine_async(live, *seed, depth);
    CHECK(future);
    return future;
}

/* What live() gives back for this seed. */
static long result_of(uint64_t seed)
{
    return (long)(seed >> 1) - 7;
}

/* Ends the future in one of the ways there are. */
static void finish(bine_future(long) future, uint64_t seed, uint64_t *state)
{
    long result = 0;
    switch (test_random_below(state, 5)) {
    case 0:
        bine_drop(future);
        return;
    case 1:
        bine_cancel(future);
        storm_shift(state);
        bine_drop(future);
        return;
    case 2: {
        int error = bine_await_until(future, &result, storm_deadline(state));
        storm_check_result(error);
        if (error)
            result = bine_await(future);
        break;
    }
    case 3:
        bine_cancel(future);
        result = bine_await(future);
        break;
    default:
        result = bine_await(future);
    }
    CHECK(result == result_of(seed));
}

static void finish_any(bine_future(long) * futures, const uint64_t *seeds, uint64_t *state)
{
    int index = bine_await_any_until(futures, BATCH, storm_deadline(state));
    if (index >= 0) {
        long result = 0;
        CHECK(index < BATCH && futures[index]);
        int error = bine_await_until(futures[index], &result, BINE_NOW);
        CHECK(error == 0 || error == -ECANCELED);
        if (error)
            result = bine_await(futures[index]);
        CHECK(result == result_of(seeds[index]));
        futures[index] = NULL;
    } else {
        storm_check_result(index);
    }
}

static void start_and_finish_batch(uint64_t *state, int depth)
{
    bine_future(long) futures[BATCH];
    uint64_t seeds[BATCH];
    for (int i = 0; i < BATCH; i++) {
        futures[i] = start(state, depth, &seeds[i]);
        storm_shift(state);
    }
    finish_any(futures, seeds, state);
    for (int left = BATCH; left > 0; left--) {
        int chosen = (int)test_random_below(state, (uint64_t)left);
        if (futures[chosen])
            finish(futures[chosen], seeds[chosen], state);
        futures[chosen] = futures[left - 1];
        seeds[chosen] = seeds[left - 1];
    }
}

static long live(uint64_t seed, int depth)
{
    uint64_t state = seed, childs;
    uint64_t id = bine_id();
    storm_shift(&state);
    if (depth > 0 && test_random_below(&state, 64) == 0) {
        start_and_finish_batch(&state, depth - 1);
    } else if (depth > 0 && test_random_below(&state, 4) == 0) {
        bine_future(long) child = start(&state, depth - 1, &childs);
        finish(child, childs, &state);
    }
    if (test_random_below(&state, 8) == 0)
        storm_check_result(bine_sleep((bine_time)test_random_below(&state, 100000)));
    CHECK(bine_id() == id);
    ended++;
    return result_of(seed);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over())
        start_and_finish_batch(&state, DEPTH);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(ended, started);
    printf("%ld tasks\n", (long)started);
    return 0;
}
