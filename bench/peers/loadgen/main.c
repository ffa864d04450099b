/*
 * loadgen ROW WORKERS SERVER: runs a net row of ../ROWS.md against `SERVER serve-echo|serve-http
 * WORKERS PORT`, which it starts and ends, and prints the row's lines. loadgen list: the rows.
 */
#define _GNU_SOURCE
#include "loadgen.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_CONNECTIONS = 10000, IDLE_BATCH = 100, REPEATS = MOST_WINDOWS };
#define WINDOW_NS INT64_C(1500000000)

struct row {
    const char *name;
    const char *mode; /* of the server */
    const struct dialect *dialect;
    unsigned connections;
};

static const struct row rows[] = {
    {"echo", "serve-echo", &dialect_echo, 64},
    {"echo_4", "serve-echo", &dialect_echo, 4},
    {"http", "serve-http", &dialect_http, 64},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* What one run of a row tells: each is a line of its own, NAME and the suffix. */
static const struct figure {
    const char *suffix;
    const char *unit;
    size_t offset; /* in struct window */
} figures[] = {
    {"", "req/s", offsetof(struct window, rate)},
    {"_cpu", "us/req", offsetof(struct window, cpu_us)},
    {"_p50", "us", offsetof(struct window, p50_us)},
    {"_p99", "us", offsetof(struct window, p99_us)},
};

static struct server server; /* pid 0: none */

_Noreturn void die_because(const char *what)
{
    fprintf(stderr, "loadgen: %s\n", what);
    exit(EXIT_FAILURE); /* the server ends with us */
}

_Noreturn void die(const char *what)
{
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void usage(void)
{
    fputs("usage: loadgen list | loadgen ROW WORKERS SERVER\n", stderr);
    exit(2);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static void print_figure(const struct row *row, const struct figure *figure, unsigned workers,
                         const struct window *windows)
{
    double values[MOST_WINDOWS];
    for (int i = 0; i < MOST_WINDOWS; i++)
        memcpy(&values[i], (const char *)&windows[i] + figure->offset, sizeof *values);
    printf("%s%s\t%u\t%.3f\t%s\n", row->name, figure->suffix, workers, median(values, MOST_WINDOWS),
           figure->unit);
}

/* Prints the figure that `name` asks for, or all where it is the row's own name. */
static int run_row(const char *name, const struct row *row, unsigned workers, const char *program)
{
    struct window windows[MOST_WINDOWS];
    const char *suffix = name + strlen(row->name);
    int printed = 0;
    server_start(&server, program, row->mode, workers);
    use_last_processor();
    load(&server, row->dialect, row->connections, WINDOW_NS, windows);
    server_stop(&server);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (*suffix == '\0' || strcmp(suffix, figures[i].suffix) == 0)
            print_figure(row, &figures[i], workers, windows), printed++;
    return printed;
}

static double idle_bytes(unsigned workers, const char *program)
{
    static int fds[IDLE_CONNECTIONS];
    server_start(&server, program, "serve-echo", workers);
    long before = server_settled_bytes(&server);
    for (unsigned i = 0; i < IDLE_CONNECTIONS; i++) {
        fds[i] = dial(server.port, i);
        if (i % IDLE_BATCH == IDLE_BATCH - 1) /* a full accept queue costs a SYN retry of 1 s */
            nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    long after = server_settled_bytes(&server);
    ask_each(&dialect_echo, fds, IDLE_CONNECTIONS); /* each has somebody who answers */
    for (unsigned i = 0; i < IDLE_CONNECTIONS; i++)
        close(fds[i]);
    server_stop(&server);
    return (double)(after - before) / IDLE_CONNECTIONS;
}

/* A fresh server each time, so that no run finds the memory of another. */
static void run_idle(unsigned workers, const char *program)
{
    double bytes[REPEATS];
    for (int i = 0; i < REPEATS; i++)
        bytes[i] = idle_bytes(workers, program);
    printf("idle_conns\t%u\t%.3f\tbytes/conn\n", workers, median(bytes, REPEATS));
}

static const struct row *find_row(const char *name)
{
    const struct row *found = NULL;
    for (int i = 0; i < ROW_COUNT; i++) {
        size_t length = strlen(rows[i].name);
        if (strncmp(name, rows[i].name, length) == 0 && (!found || length > strlen(found->name)))
            found = &rows[i];
    }
    return found;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (int i = 0; i < ROW_COUNT; i++)
            puts(rows[i].name);
        puts("idle_conns");
        return 0;
    }
    if (argc != 4 || atoi(argv[2]) < 1)
        usage();
    unsigned workers = (unsigned)atoi(argv[2]);
    const struct row *row = find_row(argv[1]);
    raise_descriptor_limit();
    if (strcmp(argv[1], "idle_conns") == 0)
        run_idle(workers, argv[3]);
    else if (!row || run_row(argv[1], row, workers, argv[3]) == 0)
        usage();
    return 0;
}
