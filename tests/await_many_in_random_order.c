/* 100,000 futures are collected in random order, from a plain thread and from a task. */
#include "test.h"

enum { FUTURES = 100000 };

static uint64_t seed;
static bine_future(long) futures[FUTURES];

static long twice(long number)
{
    if (number % 16 == 0)
        bine_yield();
    return 2 * number;
}

static int collect(int count)
{
    static int order[FUTURES];
    for (int i = 0; i < count; i++) {
        futures[i] = bine_async(twice, (long)i);
        CHECK(futures[i]);
        order[i] = i;
    }
    for (int left = count; left > 0; left--) {
        int chosen = (int)test_random_below(&seed, (uint64_t)left);
        int index = order[chosen];
        order[chosen] = order[left - 1];
        CHECK_EQ(bine_await(futures[index]), 2 * index);
    }
    return 0;
}

int main(int argc, char **argv)
{
    seed = test_read_options(argc, argv).seed;
    int count = test_scaled(FUTURES);
    collect(count);
    bine_future(int) in_task = bine_async(collect, count);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
