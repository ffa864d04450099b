/* What a parked task costs: parked_mem, parked_mem_10k. */
#include "bench.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct gate {
    bine_chan(int) ch; /* closed when they may go */
    _Atomic long arrived;
    _Atomic long passed;
    bine_waitgroup group;
};

static long resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages;
    check(file != NULL, "cannot open /proc/self/statm");
    check(fscanf(file, "%*d %ld", &pages) == 1, "cannot read /proc/self/statm");
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* relaxed: `arrived` is only a number to look at, and the wait group orders `passed`. */
static void pass(struct gate *gate)
{
    atomic_fetch_add_explicit(&gate->arrived, 1, memory_order_relaxed);
    check(bine_recv(gate->ch, NULL) == -EPIPE, "parked_mem: wrong result");
    atomic_fetch_add_explicit(&gate->passed, 1, memory_order_relaxed);
    bine_waitgroup_done(&gate->group);
}

static double park_all(long tasks)
{
    struct gate gate = {.ch = bine_chan_make(int, 0)};
    check(gate.ch != NULL, "parked_mem: cannot make a channel");
    bine_waitgroup_add(&gate.group, tasks);
    long before = resident_bytes();
    for (long i = 0; i < tasks; i++)
        check(bine_go(pass, &gate) == 0, "parked_mem: cannot start a task");
    while (atomic_load_explicit(&gate.arrived, memory_order_relaxed) < tasks)
        bine_sleep(BINE_MS(1));
    bine_sleep(BINE_MS(100)); /* the last to arrive may not have parked yet */
    long after = resident_bytes();
    check(atomic_load_explicit(&gate.passed, memory_order_relaxed) == 0, "parked_mem: not parked");
    bine_chan_close(gate.ch);
    bine_waitgroup_wait(&gate.group);
    check(atomic_load_explicit(&gate.passed, memory_order_relaxed) == tasks,
          "parked_mem: wrong count");
    bine_chan_unref(gate.ch);
    return (double)(after - before) / (double)tasks;
}

/* args: the number of tasks. */
void once_parked(char **args)
{
    printf("%f\n", bine_await(bine_async(park_all, atol(args[0]))));
}

/* A fresh process each time, so that no run finds the memory of another. */
double row_parked_mem(void)
{
    return child_number("once-parked", bench_workers, (const char *const[]){"1000000", NULL});
}

double row_parked_mem_10k(void)
{
    return child_number("once-parked", bench_workers, (const char *const[]){"10000", NULL});
}
