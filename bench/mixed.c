/* Tasks that compute for a while, which judge when another worker is woken: pipe_1000, pipe_100,
 * pipe_10, pipe4_10, burst20, serve. */
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

/* --- pipelines --- */

typedef bine_chan(int) int_chan;

static void pipe_compute(long turns)
{
    check(spin(turns) != 0, "spin: wrong state");
}

static void pipe_source(int_chan out, int items, long turns)
{
    for (int i = 0; i < items; i++) {
        pipe_compute(turns);
        bine_send(out, i);
    }
    bine_chan_close(out);
    bine_chan_unref(out);
}

static void pipe_stage(int_chan in, int_chan out, long turns)
{
    BINE_EACH (item, in) {
        pipe_compute(turns);
        bine_send(out, item + 1);
    }
    bine_chan_close(out);
    bine_chan_unref(in);
    bine_chan_unref(out);
}

/* Passes items along stages that each compute some us per item, 1 s in all. Nanoseconds. */
static double pipe_run(int stages, size_t capacity, int us)
{
    int items = 1000000 / (stages * us);
    long turns = spin_turns(us), sum = 0;
    int64_t start = now_ns();
    int_chan in = bine_chan_make(int, capacity);
    check(in && bine_go(pipe_source, bine_chan_ref(in), items, turns) == 0,
          "pipe: cannot start a task");
    for (int i = 2; i < stages; i++) {
        int_chan out = bine_chan_make(int, capacity);
        check(out && bine_go(pipe_stage, in, bine_chan_ref(out), turns) == 0,
              "pipe: cannot start a task");
        in = out;
    }
    BINE_EACH (item, in) {
        pipe_compute(turns);
        sum += item;
    }
    double value = ns_since(start);
    bine_chan_unref(in);
    check(sum == (long)items * (items - 1) / 2 + (long)items * (stages - 2), "pipe: wrong sum");
    return value;
}

double row_pipe_1000(void)
{
    return pipe_run(2, 0, 1000);
}

double row_pipe_100(void)
{
    return pipe_run(2, 0, 100);
}

double row_pipe_10(void)
{
    return pipe_run(2, 0, 10);
}

double row_pipe4_10(void)
{
    return pipe_run(4, 4, 10);
}

/* --- serve --- */

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
