/* What the stress tests share: an end, a row of random numbers per actor, and random delays. */
#ifndef BINE_TEST_STORM_H
#define BINE_TEST_STORM_H

#include "crowd.h"

static struct {
    uint64_t seed;
    bine_time end;
} storm;

static inline void storm_begin(int argc, char **argv)
{
    struct test_options options = test_read_options(argc, argv);
    storm.seed = options.seed;
    storm.end = bine_after(BINE_S(options.seconds));
}

static inline bool storm_is_over(void)
{
    return bine_now() >= storm.end;
}

/* The start of an actor's own row. */
static inline uint64_t storm_state(int actor)
{
    uint64_t state = storm.seed ^ ((uint64_t)actor << 32);
    return test_random(&state);
}

/* Nothing, some computing, or a yield: to shift the actors against each other. */
static inline void storm_shift(uint64_t *state)
{
    switch (test_random_below(state, 8)) {
    case 0:
    case 1:
        bine_yield();
        break;
    case 2:
        test_spin((unsigned)test_random_below(state, 2000));
        break;
    case 3:
        sched_yield();
        break;
    default:
        break;
    }
}

/* A deadline that is over, near, not so near, or never. */
static inline bine_time storm_deadline(uint64_t *state)
{
    switch (test_random_below(state, 6)) {
    case 0:
        return BINE_NOW;
    case 1:
        return bine_now();
    case 2:
        return bine_after(BINE_MS(test_random_below(state, 20)));
    default:
        return bine_after((bine_time)test_random_below(state, 200000));
    }
}

/* What a wait with a deadline may say, in a task that may be cancelled. */
static inline void storm_check_result(int result)
{
    CHECK(result == 0 || result == -EAGAIN || result == -ETIMEDOUT || result == -ECANCELED);
}

#endif
