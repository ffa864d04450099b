/*
 * Loops, reductions, sorts and scans inside each other, in tasks and plain threads, some of them
 * cancelled or out of time: each index is done at most once, all of them where 0 is returned, results
 * are those of doing it from left to right, and no element is lost.
 */
#include "../test_support/storm.h"
#include <bine/parallel.h>
#include <bine/scope.h>

enum { ACTORS = 5, MOST_COUNT = 600 };

static _Atomic long loops, failed;

struct walk {
    uint64_t seed;
    size_t begin, grain;
    int depth;
    _Atomic unsigned char times[MOST_COUNT];
};

static int run_something(uint64_t seed, int depth);

static void act(uint64_t seed, int depth)
{
    uint64_t state = seed;
    switch (test_random_below(&state, 60)) {
    case 0:
        bine_yield();
        break;
    case 1:
        bine_sleep((bine_time)test_random_below(&state, 40000)); /* or is cancelled */
        break;
    case 2:
        test_spin((unsigned)test_random_below(&state, 20000));
        break;
    case 3:
        if (depth > 0)
            run_something(test_random(&state), depth - 1);
        break;
    default:
        break;
    }
}

static void walk_piece(void *context, size_t begin, size_t end)
{
    struct walk *walk = context;
    for (size_t i = begin; i < end; i++) {
        walk->times[i - walk->begin]++;
        act(walk->seed + i, walk->depth);
    }
}

static int run_for(uint64_t *state, int depth)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    size_t count = test_random_below(state, MOST_COUNT + 1);
    CHECK(walk);
    walk->seed = test_random(state);
    walk->begin = test_random(state) / 2;
    walk->grain = test_random_below(state, 20);
    walk->depth = depth;
    int result = bine_for(walk->begin, walk->begin + count, walk->grain, walk_piece, walk);
    for (size_t i = 0; i < MOST_COUNT; i++)
        CHECK(walk->times[i] <= (i < count) && (result || walk->times[i] == (i < count)));
    free(walk);
    return result;
}

/* --- reductions: x -> a * x + b --- */

struct affine {
    uint64_t a, b;
    uint64_t pad[12]; /* sometimes counted in: larger than what fits into a frame */
};

struct composing {
    uint64_t seed;
    int depth;
};

static struct affine then(struct affine first, uint64_t a, uint64_t b)
{
    first.a *= a;
    first.b = first.b * a + b;
    return first;
}

static void compose_piece(void *context, size_t begin, size_t end, void *partial)
{
    struct composing *composing = context;
    uint64_t *value = partial;
    for (size_t i = begin; i < end; i++) {
        value[1] = value[1] * (i * 2 + 1) + i;
        value[0] *= i * 2 + 1;
        act(composing->seed + i, composing->depth);
    }
}

static void compose(void *context, void *left_, const void *right_)
{
    uint64_t *left = left_;
    const uint64_t *right = right_;
    (void)context;
    left[1] = left[1] * right[0] + right[1];
    left[0] *= right[0];
}

static int run_reduce(uint64_t *state, int depth)
{
    struct affine identity = {1, 0, {0}}, got = identity, wanted = identity;
    struct composing composing = {test_random(state), depth};
    size_t count = test_random_below(state, MOST_COUNT), begin = test_random_below(state, 1000);
    size_t size = test_random_below(state, 2) ? sizeof(identity) : 2 * sizeof(uint64_t);
    int result = bine_reduce(begin, begin + count, test_random_below(state, 10), &got, &identity,
                             size, compose_piece, compose, &composing);
    for (size_t i = begin; i < begin + count && result == 0; i++)
        wanted = then(wanted, i * 2 + 1, i);
    CHECK(got.a == wanted.a && got.b == wanted.b);
    return result;
}

/* --- scans and sorts --- */

static void add(void *context, void *left, const void *right)
{
    (void)context;
    *(uint64_t *)left += *(const uint64_t *)right;
}

static int run_scan(uint64_t *state)
{
    size_t count = test_random_below(state, 3000);
    uint64_t *items = malloc((count + 1) * sizeof(*items)), sum = 0;
    CHECK(items);
    for (size_t i = 0; i < count; i++)
        items[i] = i * i;
    int result = bine_scan(items, count, sizeof(*items), add, NULL);
    for (size_t i = 0; i < count && result == 0; i++)
        CHECK(items[i] == (sum += i * i));
    free(items);
    return result;
}

static int compare(const void *left, const void *right, void *context)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    (void)context;
    return (a > b) - (a < b);
}

static int run_sort(uint64_t *state)
{
    size_t count = test_random_below(state, 4000);
    uint64_t *items = malloc((count + 1) * sizeof(*items)), sum = 0;
    CHECK(items);
    for (size_t i = 0; i < count; i++)
        sum += items[i] = test_random(state);
    int result = test_random_below(state, 2)
                     ? bine_sort(items, count, sizeof(*items), compare, NULL)
                     : bine_sort_stable(items, count, sizeof(*items), compare, NULL);
    for (size_t i = 0; i < count; i++) {
        CHECK(result || i == 0 || items[i - 1] <= items[i]);
        sum -= items[i];
    }
    CHECK(sum == 0);
    free(items);
    return result;
}

static int run_something(uint64_t seed, int depth)
{
    uint64_t state = seed;
    int result = 0;
    switch (test_random_below(&state, 4)) {
    case 0:
        result = run_for(&state, depth);
        break;
    case 1:
        result = run_reduce(&state, depth);
        break;
    case 2:
        result = run_scan(&state);
        break;
    default:
        result = run_sort(&state);
        break;
    }
    CHECK(result == 0 || result == -ECANCELED || result == -ETIMEDOUT);
    loops++;
    failed += result != 0;
    return result;
}

/* As a task that is cancelled now and then, or inside a deadline. */
static int run_limited(uint64_t seed)
{
    uint64_t state = seed;
    int result = 0;
    if (test_random_below(&state, 3))
        return run_something(seed, 2);
    BINE_WITHIN((bine_time)test_random_below(&state, 500000))
        result = run_something(seed, 2);
    return result;
}

static void run_often(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        bine_future(int) other = bine_async(run_limited, test_random(&state));
        CHECK(other);
        run_limited(test_random(&state));
        if (test_random_below(&state, 3) == 0)
            bine_cancel(other);
        bine_await(other);
    }
}

static void *run_in_thread(void *argument)
{
    run_often((int)(intptr_t)argument);
    return NULL;
}

int main(int argc, char **argv)
{
    bine_future(void) actors[ACTORS];
    storm_begin(argc, argv);
    for (int i = 0; i < ACTORS; i++) {
        actors[i] = bine_async(run_often, i);
        CHECK(actors[i]);
    }
    pthread_t thread = test_thread(run_in_thread, (void *)(intptr_t)100);
    for (int i = 0; i < ACTORS; i++)
        bine_await(actors[i]);
    test_join(thread);
    CHECK(loops > failed && failed > 0);
    printf("%ld loops, %ld of them cut short\n", loops, failed);
    return 0;
}
