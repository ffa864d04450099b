/*
 * Random trees of children that compute, yield, sleep, lock, await and shield on the way, from tasks
 * and plain threads, in the default pool and in one of its own: each child runs once, and each join
 * returns its own child's result.
 */
#include "../test_support/storm.h"
#include <bine/parallel.h>

enum { ACTORS = 6, MOST_CHILDREN = 5, MOST_DEPTH = 7 };

static bine_mutex mutex;
static long locked_count; /* guarded by mutex */
static _Atomic long ran, trees;

static int one(int number)
{
    return number + 1;
}

/* Anything that may take the caller off its worker while it has unjoined children. */
static void act(uint64_t *state)
{
    switch (test_random_below(state, 40)) {
    case 0:
        bine_yield();
        break;
    case 1:
        CHECK_EQ(bine_sleep((bine_time)test_random_below(state, 30000)), 0);
        break;
    case 2:
        bine_lock(&mutex);
        locked_count++;
        bine_unlock(&mutex);
        break;
    case 3: {
        bine_future(int) future = bine_async(one, 4);
        CHECK(future);
        storm_shift(state);
        CHECK_EQ(bine_await(future), 5);
        break;
    }
    case 4:
        BINE_SHIELDED
        test_spin((unsigned)test_random_below(state, 500));
        break;
    case 5:
        test_spin((unsigned)test_random_below(state, 20000));
        break;
    default:
        break;
    }
}

struct node {
    bine_child(long) child;
    long wanted;
};

/* Returns `number`, in the shape of a sum over a random tree. */
static long grow(uint64_t seed, long number, int depth)
{
    uint64_t state = seed;
    struct node nodes[MOST_CHILDREN];
    int count = depth > 0 ? (int)test_random_below(&state, MOST_CHILDREN + 1) : 0;
    long rest = number;
    ran++;
    act(&state);
    for (int i = 0; i < count; i++) {
        nodes[i].wanted = (long)test_random_below(&state, 1000);
        rest -= nodes[i].wanted;
        bine_fork(&nodes[i].child, grow, test_random(&state), nodes[i].wanted, depth - 1);
        act(&state);
    }
    if (count > 0 && test_random_below(&state, 2))
        rest -= grow(test_random(&state), 77, depth - 1) - 77;
    for (int i = count - 1; i >= 0; i--) {
        act(&state);
        long got = bine_join(&nodes[i].child);
        CHECK_EQ(got, nodes[i].wanted);
        rest += got;
    }
    return rest;
}

/* How many calls of grow() there are with that seed: the tree is a function of it. */
static void skip_act(uint64_t *state)
{
    switch (test_random_below(state, 40)) {
    case 1:
        test_random_below(state, 30000);
        break;
    case 3:
        if (test_random_below(state, 8) == 2)
            test_random_below(state, 2000);
        break;
    case 4:
        test_random_below(state, 500);
        break;
    case 5:
        test_random_below(state, 20000);
        break;
    default:
        break;
    }
}

static long count_calls(uint64_t seed, int depth)
{
    uint64_t state = seed;
    int count = depth > 0 ? (int)test_random_below(&state, MOST_CHILDREN + 1) : 0;
    long calls = 1;
    skip_act(&state);
    for (int i = 0; i < count; i++) {
        test_random_below(&state, 1000);
        calls += count_calls(test_random(&state), depth - 1);
        skip_act(&state);
    }
    if (count > 0 && test_random_below(&state, 2))
        calls += count_calls(test_random(&state), depth - 1);
    return calls;
}

static _Atomic long wanted_calls;

static void plant(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        uint64_t seed = test_random(&state);
        int depth = 1 + (int)test_random_below(&state, MOST_DEPTH);
        CHECK_EQ(grow(seed, 123456, depth), 123456);
        wanted_calls += count_calls(seed, depth);
        trees++;
    }
}

static void *plant_in_thread(void *argument)
{
    plant((int)(intptr_t)argument);
    return NULL;
}

int main(int argc, char **argv)
{
    bine_pool *pool;
    pthread_t threads[2];
    bine_future(void) planters[ACTORS];
    storm_begin(argc, argv);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 3}), 0);
    for (int i = 0; i < ACTORS; i++) {
        planters[i] = i < ACTORS - 2 ? bine_async(plant, i) : bine_pool_async(pool, plant, i);
        CHECK(planters[i]);
    }
    for (int i = 0; i < 2; i++)
        threads[i] = test_thread(plant_in_thread, (void *)(intptr_t)(100 + i));
    for (int i = 0; i < ACTORS; i++)
        bine_await(planters[i]);
    for (int i = 0; i < 2; i++)
        test_join(threads[i]);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(ran, wanted_calls);
    CHECK(trees > 0);
    printf("%ld trees, %ld children\n", trees, ran);
    return 0;
}
