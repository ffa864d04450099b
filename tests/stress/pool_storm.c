/*
 * Pools of all kinds are opened, filled from tasks and threads of other pools, and closed, with
 * patience and without, many at a time: every task that was taken runs to its end.
 */
#include "../test_support/process.h"
#include "../test_support/storm.h"

enum {
    ACTORS = 8,
    TASKS = 60,
    MOST_THREADS_LEFT = 6, /* main, watchdog, the monitor, a sanitizer's */
};

static _Atomic long pools, taken, refused, ended;

static void be_born(bine_pool *pool, uint64_t seed)
{
    uint64_t state = seed;
    CHECK(bine_pool_self() == pool);
    storm_shift(&state);
    if (seed % 8 == 0)
        storm_check_result(bine_sleep((bine_time)test_random_below(&state, 300000)));
    if (seed % 8 < 2) {
        int result = bine_go(be_born, pool, test_random(&state) | 2); /* and no more of them */
        CHECK(result == 0 || result == -EPIPE);
        *(result == 0 ? &taken : &refused) += 1;
    }
    CHECK(bine_pool_self() == pool);
    ended++;
}

static void fill(bine_pool *pool, uint64_t *state)
{
    for (int i = 0; i < TASKS; i++) {
        if (i % 2) {
            CHECK_EQ(bine_pool_go(pool, be_born, pool, test_random(state)), 0);
        } else {
            bine_future(void) future = bine_pool_async(pool, be_born, pool, test_random(state));
            CHECK(future);
            if (test_random_below(state, 4) == 0)
                bine_await(future);
            else
                bine_drop(future);
        }
        taken++;
    }
}

static void play_round(uint64_t *state)
{
    bine_pool *pool;
    bine_pool_options options = {.workers = 1 + (unsigned)test_random_below(state, 4)};
    if (test_random_below(state, 4) == 0)
        options = (bine_pool_options){.serial = true};
    CHECK_EQ(bine_pool_open(&pool, &options), 0);
    pools++;
    fill(pool, state);
    if (test_random_below(state, 3) == 0)
        CHECK_EQ(bine_pool_wait(pool), 0);
    if (test_random_below(state, 2)) {
        CHECK_EQ(bine_pool_close(pool), 0);
    } else {
        bine_time patience = (bine_time)test_random_below(state, 500000);
        int result = bine_pool_close_until(pool, bine_after(patience));
        CHECK(result == 0 || result == -ETIMEDOUT);
    }
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over())
        play_round(&state);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK_EQ(ended, taken);
    CHECK_EQ(bine_pool_close(NULL), 0);
    EVENTUALLY(process_threads() <= MOST_THREADS_LEFT);
    printf("%ld pools, %ld tasks, %ld refused\n", (long)pools, (long)taken, (long)refused);
    return 0;
}
