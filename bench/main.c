/* bine-bench ROW WORKERS: runs one row of peers/ROWS.md on bine. bine-bench list: the rows. */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPEATS = 3,         /* after one warm-up */
    ROUNDS = 5,          /* of a SPEED_UP row: a process with 1 worker, a process with WORKERS */
    LONG_RUN_MS = 60000, /* a warm-up longer than this is the result */
    MOST_WORKERS = 1024,
};

static const struct row rows[] = {
    {.name = "spawn_join", .unit = "ns/task", .run = row_spawn_join},
    {.name = "burst", .unit = "ns/task", .run = row_burst},
    {.name = "yield", .unit = "ns/yield", .run = row_yield},
    {.name = "yield_10k", .unit = "ns/yield", .run = row_yield_10k},
    {.name = "pingpong", .unit = "ns/round trip", .run = row_pingpong},
    {.name = "pingpong_pairs", .unit = "ns/round trip", .run = row_pingpong_pairs},
    {.name = "chan_buf", .unit = "ns/item", .run = row_chan_buf},
    {.name = "chan_mpmc", .unit = "ns/item", .run = row_chan_mpmc},
    {.name = "chan_contended", .unit = "ns/pair", .run = row_chan_contended},
    {.name = "select", .unit = "ns/item", .run = row_select},
    {.name = "mutex", .unit = "ns/pair", .run = row_mutex},
    {.name = "mutex_contended", .unit = "ns/pair", .run = row_mutex_contended},
    {.name = "skynet", .unit = "ms", .run = row_skynet},
    {.name = "ring", .unit = "ns/hop", .run = row_ring},
    {.name = "prime_sieve", .unit = "ms", .run = row_prime_sieve},
    {.name = "pipe_1000", .unit = "speed-up", .run = row_pipe_1000, .kind = SPEED_UP},
    {.name = "pipe_100", .unit = "speed-up", .run = row_pipe_100, .kind = SPEED_UP},
    {.name = "pipe_10", .unit = "speed-up", .run = row_pipe_10, .kind = SPEED_UP},
    {.name = "pipe4_10", .unit = "speed-up", .run = row_pipe4_10, .kind = SPEED_UP},
    {.name = "fib", .unit = "ns/call", .run = row_fib},
    {.name = "nqueens", .unit = "ms", .run = row_nqueens},
    {.name = "matmul", .unit = "ms", .run = row_matmul},
    {.name = "reduce", .unit = "ms", .run = row_reduce},
    {.name = "burst20", .unit = "speed-up", .run = row_burst20, .kind = SPEED_UP},
    {.name = "serve", .unit = "p50 us", .run = row_serve, .kind = ON_THREAD, .p99 = serve_p99},
    {.name = "sleepers", .unit = "ms over", .run = row_sleepers},
    {.name = "sleepers_cpu", .unit = "ms CPU", .run = row_sleepers_cpu},
    {.name = "parked_mem", .unit = "bytes/task", .run = row_parked_mem, .kind = ON_THREAD},
    {.name = "parked_mem_10k", .unit = "bytes/task", .run = row_parked_mem_10k, .kind = ON_THREAD},
    {.name = "wake", .unit = "p50 us", .run = row_wake, .kind = ON_THREAD},
    {.name = "wake_p99", .unit = "p99 us", .run = row_wake_p99, .kind = ON_THREAD},
    {.name = "stall", .unit = "max ms", .run = row_stall},
    {.name = "hog", .unit = "max ms", .run = row_hog},
    {.name = "startup", .unit = "us", .run = row_startup, .kind = ON_THREAD},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

unsigned bench_workers;

static _Noreturn void usage(void)
{
    fputs("usage: bine-bench list | bine-bench ROW WORKERS\n", stderr);
    exit(2);
}

static const struct row *find_row(const char *name)
{
    for (int i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    usage();
}

static double run_once(const struct row *row)
{
    return row->kind == ON_THREAD ? row->run() : bine_await(bine_async(row->run));
}

/* args: the row's name, the speed of spin(). */
static void once_timed(char **args)
{
    const struct row *row = find_row(args[0]);
    spin_set_speed(atol(args[1]));
    run_once(row); /* the warm-up */
    printf("%.0f\n", run_once(row));
}

static void print_value(const char *name, const char *suffix, double value, const char *unit)
{
    printf("%s%s\t%u\t%.3f\t%s\n", name, suffix, bench_workers, value, unit);
}

/* Best of several on both sides: what is left is the runtime's and not the machine's. */
static void measure_speed_up(const struct row *row)
{
    char speed[24];
    snprintf(speed, sizeof speed, "%ld", spin_speed());
    const char *const args[] = {row->name, speed, NULL};
    double alone[ROUNDS], together[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = child_number("once-timed", 1, args);
        together[i] = child_number("once-timed", bench_workers, args);
    }
    double best_alone = quantile(alone, ROUNDS, 0), best_together = quantile(together, ROUNDS, 0);
    print_value(row->name, "", best_alone / best_together, row->unit);
    fprintf(stderr, "# %.1f to %.1f ms with 1 worker, %.1f to %.1f with %u\n", alone[0] / 1e6,
            alone[ROUNDS - 1] / 1e6, together[0] / 1e6, together[ROUNDS - 1] / 1e6, bench_workers);
}

static void measure(const struct row *row)
{
    int64_t start = now_ns();
    double first = run_once(row);
    int count = ms_since(start) > LONG_RUN_MS ? 1 : REPEATS;
    double values[REPEATS], p99s[REPEATS];
    for (int i = 0; i < count; i++) {
        values[i] = count == 1 ? first : run_once(row);
        p99s[i] = row->p99 ? row->p99() : 0;
    }
    print_value(row->name, "", quantile(values, count, 0.5), row->unit);
    if (row->p99)
        print_value(row->name, "_p99", quantile(p99s, count, 0.5), "p99 us");
    fprintf(stderr, "# first run %.4g, then %.4g to %.4g\n", first, values[0], values[count - 1]);
}

static void measure_row(char **args)
{
    const struct row *row = find_row(args[0]);
    if (row->kind == SPEED_UP)
        measure_speed_up(row);
    else
        measure(row);
}

static void configure(const char *workers)
{
    bench_workers = (unsigned)atoi(workers);
    if (bench_workers < 1 || bench_workers > MOST_WORKERS)
        usage();
    bine_pool_options options = {.workers = bench_workers};
    check(bine_configure(&options) == 0, "cannot configure the pool");
}

static void list_rows(void)
{
    for (int i = 0; i < ROW_COUNT; i++)
        puts(rows[i].name);
    net_list_rows();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args; /* after MODE WORKERS */
        void (*run)(char **args);
    } modes[] = {
        {"once-parked", 1, once_parked},
        {"once-startup", 0, once_startup},
        {"once-timed", 2, once_timed},
        {"serve-echo", 1, serve_echo},
#ifdef BENCH_WITH_HTTP
        {"serve-http", 1, serve_http},
#endif
    };

    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        list_rows();
        return 0;
    }
    if (argc < 3)
        usage();
    configure(argv[2]);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(argv[1], modes[i].name) == 0 && argc == 3 + modes[i].args) {
            modes[i].run(argv + 3);
            return 0;
        }
    }
    if (argc != 3)
        usage();
    if (net_has_row(argv[1]))
        net_run_row(argv[1], argv[2]);
    measure_row(argv + 1);
    return 0;
}
