/* Tasks that compute for a while, which judge when another worker is woken: burst20, serve. */
#include "bench.h"
#include <stdatomic.h>

struct shift {
    _Atomic long turns; /* computed so far, by all tasks */
    bine_waitgroup group;
};

/* relaxed: the wait group orders the sum before it is read. */
static void compute(struct shift *shift, long turns)
{
    check(spin(turns) != 0, "spin: wrong state");
    atomic_fetch_add_explicit(&shift->turns, turns, memory_order_relaxed);
    bine_waitgroup_done(&shift->group);
}

/* Nanoseconds. */
double row_burst20(void)
{
    enum { TASKS = 10000 };
    long turns = spin_turns(20);
    struct shift shift = {0};
    int64_t start = now_ns();
    bine_waitgroup_add(&shift.group, TASKS);
    for (int i = 0; i < TASKS; i++)
        check(bine_go(compute, &shift, turns) == 0, "burst20: cannot start a task");
    bine_waitgroup_wait(&shift.group);
    double value = ns_since(start);
    check(atomic_load_explicit(&shift.turns, memory_order_relaxed) == TASKS * turns,
          "burst20: wrong sum");
    return value;
}

enum {
    INTERVAL_NS = 170000,
    REQUESTS = 3000000000 / INTERVAL_NS,
    LONGEST_US = 500,
};
static struct shift serve_shift;
static double delays[REQUESTS]; /* us from spawn to start; each is written by its own task */

static void serve_one(uint32_t number, int64_t spawned, long turns)
{
    delays[number] = ns_since(spawned) / 1e3;
    compute(&serve_shift, turns);
}

/* Starts all requests, each at its time or, when we come late, at once. Returns their turns. */
static long submit_all(void)
{
    uint64_t random = RANDOM_SEED;
    long sum = 0;
    int64_t due = now_ns();
    for (uint32_t i = 0; i < REQUESTS; i++) {
        long turns = spin_turns((double)(1 + next_random(&random) % LONGEST_US));
        sum += turns;
        due += INTERVAL_NS;
        thread_sleep(due - now_ns());
        int64_t spawned = now_ns();
        check(bine_go(serve_one, i, spawned, turns) == 0, "serve: cannot start a task");
    }
    return sum;
}

double row_serve(void)
{
    spin_speed(); /* measured here, before there is anything to serve */
    serve_shift = (struct shift){0};
    bine_waitgroup_add(&serve_shift.group, REQUESTS);
    long sum = submit_all();
    bine_waitgroup_wait(&serve_shift.group);
    check(atomic_load_explicit(&serve_shift.turns, memory_order_relaxed) == sum,
          "serve: wrong sum");
    return quantile(delays, REQUESTS, 0.50);
}

double serve_p99(void)
{
    return quantile(delays, REQUESTS, 0.99);
}
