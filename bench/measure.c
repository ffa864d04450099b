/* Checks, clocks, quantiles, and work that takes a known time. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PROBES = 5, PROBE_TURNS = 5000000 };

static long turns_per_ms; /* 0: not yet measured */

void fail(const char *what)
{
    fprintf(stderr, "bine-bench: %s\n", what);
    exit(EXIT_FAILURE);
}

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

double ns_since(int64_t start)
{
    return (double)(now_ns() - start);
}

double ms_since(int64_t start)
{
    return ns_since(start) / 1e6;
}

void thread_sleep(int64_t ns)
{
    if (ns <= 0)
        return;
    struct timespec span = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    nanosleep(&span, NULL);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double quantile(double *values, size_t count, double q)
{
    qsort(values, count, sizeof *values, compare);
    return values[(size_t)(q * (double)count)];
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Each turn needs the one before, so a processor that shares its core is no slower. */
__attribute__((noinline)) uint64_t spin(long turns)
{
    uint64_t state = RANDOM_SEED;
    for (long i = 0; i < turns; i++)
        next_random(&state);
    return state;
}

/* The quickest probe: the one that nothing disturbed. */
static long measure_speed(void)
{
    double best = 0;
    for (int i = 0; i < PROBES; i++) {
        int64_t start = now_ns();
        check(spin(PROBE_TURNS) != 0, "spin: wrong state");
        double speed = PROBE_TURNS / ms_since(start);
        if (speed > best)
            best = speed;
    }
    return (long)best;
}

long spin_speed(void)
{
    if (turns_per_ms == 0)
        turns_per_ms = measure_speed();
    return turns_per_ms;
}

void spin_set_speed(long speed)
{
    turns_per_ms = speed;
}

long spin_turns(double us)
{
    return (long)((double)spin_speed() * us / 1e3);
}
