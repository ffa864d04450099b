/* Starting, joining and yielding: spawn_join, burst, yield, yield_10k. */
#include "bench.h"
#include <stdalign.h>
#include <stdatomic.h>

/* Tasks that count: how far they came, and how many are still to end. */
struct crowd {
    alignas(64) _Atomic long count;   /* a cache line each: the row measures the tasks, */
    alignas(64) bine_waitgroup group; /* not how these two disturb each other */
};

/* relaxed: the wait group orders the sum before it is read. */
static void add(struct crowd *crowd, long times)
{
    atomic_fetch_add_explicit(&crowd->count, times, memory_order_relaxed);
    bine_waitgroup_done(&crowd->group);
}

static long wait_for(struct crowd *crowd)
{
    bine_waitgroup_wait(&crowd->group);
    return atomic_load_explicit(&crowd->count, memory_order_relaxed);
}

static int one(void)
{
    return 1;
}

double row_spawn_join(void)
{
    enum { TASKS = 1000000 };
    long sum = 0;
    int64_t start = now_ns();
    for (int i = 0; i < TASKS; i++)
        sum += bine_await(bine_async(one));
    double value = ns_since(start) / TASKS;
    check(sum == TASKS, "spawn_join: wrong sum");
    return value;
}

static void add_one(struct crowd *crowd)
{
    add(crowd, 1);
}

double row_burst(void)
{
    enum { TASKS = 1000000 };
    struct crowd crowd = {0};
    int64_t start = now_ns();
    bine_waitgroup_add(&crowd.group, TASKS);
    for (int i = 0; i < TASKS; i++)
        check(bine_go(add_one, &crowd) == 0, "burst: cannot start a task");
    long count = wait_for(&crowd);
    double value = ns_since(start) / TASKS;
    check(count == TASKS, "burst: wrong count");
    return value;
}

static void yield_often(struct crowd *crowd, long times)
{
    for (long i = 0; i < times; i++)
        bine_yield();
    add(crowd, times);
}

static double yield_run(long tasks, long times)
{
    struct crowd crowd = {0};
    int64_t start = now_ns();
    bine_waitgroup_add(&crowd.group, tasks);
    for (long i = 0; i < tasks; i++)
        check(bine_go(yield_often, &crowd, times) == 0, "yield: cannot start a task");
    long count = wait_for(&crowd);
    double value = ns_since(start) / (double)(tasks * times);
    check(count == tasks * times, "yield: wrong count");
    return value;
}

double row_yield(void)
{
    return yield_run(100, 20000);
}

double row_yield_10k(void)
{
    return yield_run(10000, 200);
}
