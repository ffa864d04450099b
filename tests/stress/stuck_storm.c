/*
 * Tasks that block their threads, announced or not, that compute for long, and that are pinned,
 * mixed with tasks that hand work to each other: everything goes on and everything ends.
 */
#include "../test_support/storm.h"

enum { ACTORS = 10, TASKS = 20 };

static bine_mutex mutex;
static long locked; /* guarded by mutex */
static _Atomic long started, ended, locked_by_tasks;

static void block(uint64_t *state, bool announced)
{
    if (announced)
        bine_block_begin();
    usleep((useconds_t)test_random_below(state, 3000));
    if (announced)
        bine_block_end();
}

/* Blocks on a pipe that another task writes to: behind it, maybe, on the same worker. */
static void write_byte(int end)
{
    CHECK_EQ(write(end, "b", 1), 1);
    ended++;
}

static void block_for_task(void)
{
    int ends[2];
    char byte = 0;
    CHECK_EQ(pipe(ends), 0);
    started++;
    CHECK_EQ(bine_go(write_byte, ends[1]), 0);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    CHECK_EQ(byte, 'b');
    close(ends[0]);
    close(ends[1]);
}

static void stay_pinned(uint64_t *state)
{
    bine_pin();
    pid_t thread = gettid();
    for (int i = 0; i < 10; i++) {
        storm_shift(state);
        if (test_random_below(state, 4) == 0)
            CHECK_EQ(bine_sleep((bine_time)test_random_below(state, 50000)), 0);
        CHECK_EQ(gettid(), thread);
    }
    bine_unpin();
}

static void lock_for_a_while(uint64_t *state)
{
    bine_lock(&mutex);
    locked++;
    locked_by_tasks++;
    if (test_random_below(state, 16) == 0)
        block(state, false); /* not nice, but it must go on */
    storm_shift(state);
    bine_unlock(&mutex);
}

static int live(uint64_t seed)
{
    uint64_t state = seed;
    switch (test_random_below(&state, 12)) {
    case 0:
        block(&state, false);
        break;
    case 1:
        block(&state, true);
        break;
    case 2:
        block_for_task();
        break;
    case 3:
    case 4:
        stay_pinned(&state);
        break;
    case 5:
        test_spin((unsigned)test_random_below(&state, 3000000));
        break;
    case 6:
    case 7:
        lock_for_a_while(&state);
        break;
    default:
        CHECK_EQ(bine_sleep((bine_time)test_random_below(&state, 100000)), 0);
    }
    ended++;
    return (int)(seed % 1000);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        bine_future(int) futures[TASKS];
        uint64_t seeds[TASKS];
        for (int i = 0; i < TASKS; i++) {
            bine_task_options options = {.pinned = test_random_below(&state, 4) == 0};
            seeds[i] = test_random(&state);
            started++;
            futures[i] = bine_async_with(&options, live, seeds[i]);
            CHECK(futures[i]);
        }
        for (int i = 0; i < TASKS; i++)
            CHECK_EQ(bine_await(futures[i]), seeds[i] % 1000);
    }
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(ended, started);
    CHECK_EQ(locked, locked_by_tasks);
    printf("%ld tasks\n", (long)ended);
    return 0;
}
