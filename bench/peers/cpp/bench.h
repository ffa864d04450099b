// The command line, timing and shared kernels of every peer program here.
// A program lists its rows and calls bench_main; a row's run() is one repeat and checks its own result.
#ifndef PEER_BENCH_H
#define PEER_BENCH_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  const char *name;
  void (*run)(void);
  double ops;  // > 0: report ns per op; 0: report ms for the whole repeat; or one of these
  const char *unit;
} Row;

static const double SPEED_UP = -1;  // report the time with 1 worker / the time with WORKERS
static const double DELAYS = -2;    // report the p50 and p99 of bench_delays, which run() fills
enum { REPEATS = 5 };
enum { SERVE_US = 170, SERVE_TASKS = 3000000 / SERVE_US };

static int bench_workers;
static long bench_turns_per_ms;           // of spin; 0: not yet measured
static int bench_once;                    // this process is one side of a SPEED_UP row
static double bench_delays[SERVE_TASKS];  // us

static inline void check(int ok) {
  if (!ok) { fputs("wrong result\n", stderr); exit(1); }
}

static inline double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int bench_less(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static inline double bench_quantile(double *values, int n, double q) {
  qsort(values, (size_t)n, sizeof *values, bench_less);
  return values[(int)(q * n)];
}

static inline double bench_time(const Row *row) {
  double t0 = bench_now();
  row->run();
  return bench_now() - t0;
}

static inline void bench_print(const Row *row, const char *suffix, double value, const char *unit) {
  printf("%s%s\t%d\t%.4g\t%s\n", row->name, suffix, bench_workers, value, unit);
  fflush(stdout);
}

static inline void bench_delay_row(const Row *row) {
  double p50[REPEATS], p99[REPEATS];
  row->run();
  for (int i = 0; i < REPEATS; i++) {
    row->run();
    p50[i] = bench_quantile(bench_delays, SERVE_TASKS, 0.50);
    p99[i] = bench_quantile(bench_delays, SERVE_TASKS, 0.99);
  }
  bench_print(row, "", bench_quantile(p50, REPEATS, 0.5), "p50 us");
  bench_print(row, "_p99", bench_quantile(p99, REPEATS, 0.5), "p99 us");
}

static inline void bench_row(const Row *row) {
  if (row->ops == DELAYS) return bench_delay_row(row);
  double ns[REPEATS];
  row->run();
  if (bench_once) {
    printf("%.0f\n", bench_time(row));
    return;
  }
  for (int i = 0; i < REPEATS; i++) ns[i] = bench_time(row);
  double mid = bench_quantile(ns, REPEATS, 0.5);
  bench_print(row, "", row->ops > 0 ? mid / row->ops : mid / 1e6, row->unit);
}

// Work that takes a known time: a turn needs the one before.
#define RANDOM_SEED 88172645463325252ULL
static inline unsigned long long next_random(unsigned long long x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ (x << 17);
}

static __attribute__((noinline)) void spin(long turns) {
  unsigned long long x = RANDOM_SEED;
  for (long i = 0; i < turns; i++) x = next_random(x);
  check(x != 0);
}

// The speed of the quickest of some probes, which nothing disturbed.
static inline void spin_measure(void) {
  const int turns = 5000000;
  for (int i = 0; i < 5; i++) {
    double t0 = bench_now();
    spin(turns);
    long speed = (long)(turns * 1e6 / (bench_now() - t0));
    if (speed > bench_turns_per_ms) bench_turns_per_ms = speed;
  }
}

static inline long spin_turns(long us) { return bench_turns_per_ms * us / 1000; }

// The ns of one run, after a warm-up, in a process with that many workers.
static inline double bench_child(const Row *row, int workers) {
  char self[4096], command[4200];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  check(n > 0);
  self[n] = 0;
  snprintf(command, sizeof command, "'%s' %s %d %ld", self, row->name, workers, bench_turns_per_ms);
  double ns;
  FILE *out = popen(command, "r");
  check(out && fscanf(out, "%lf", &ns) == 1);
  check(pclose(out) == 0);
  return ns;
}

// The best of several on both sides, by turns.
static inline void bench_speed_up(const Row *row) {
  double alone = 1e300, together = 1e300;
  for (int i = 0; i < REPEATS; i++) {
    double one = bench_child(row, 1), all = bench_child(row, bench_workers);
    if (one < alone) alone = one;
    if (all < together) together = all;
  }
  bench_print(row, "", alone / together, row->unit);
}

// Finds the row named on the command line and sets bench_workers; NULL after `list`, or where the row
// has been measured by processes of its own: PROGRAM ROW WORKERS TURNS.
static inline const Row *bench_pick(int argc, char **argv, const Row *rows, int n, int max_workers) {
  if (argc == 2 && !strcmp(argv[1], "list")) {
    for (int i = 0; i < n; i++) puts(rows[i].name);
    return NULL;
  }
  const Row *row = NULL;
  bench_workers = argc == 3 || argc == 4 ? atoi(argv[2]) : 0;
  if (bench_workers >= 1 && bench_workers <= max_workers)
    for (int i = 0; i < n; i++)
      if (!strcmp(argv[1], rows[i].name)) row = &rows[i];
  if (!row) {
    fprintf(stderr, "usage: %s ROW WORKERS (at most %d) | list\n", argv[0], max_workers);
    exit(2);
  }
  if (argc == 4) {
    bench_once = 1;
    bench_turns_per_ms = atol(argv[3]);
    return row;
  }
  if (row->ops < 0) spin_measure();
  if (row->ops != SPEED_UP) return row;
  bench_speed_up(row);
  return NULL;
}

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

// fib
enum { FIB_N = 35, FIB_RESULT = 9227465, FIB_CALLS = 29860703 };

// nqueens: may a queen stand at (row, col) under those in board[0..row)?
enum { QUEENS_N = 11, QUEENS_RESULT = 2680 };
typedef struct { signed char col[QUEENS_N]; } Board;
static inline int queen_ok(const Board *b, int row, int col) {
  for (int r = 0; r < row; r++) {
    int d = b->col[r] - col;
    if (d == 0 || d == row - r || d == r - row) return 0;
  }
  return 1;
}

// matmul: c += a * b, row-major with stride MAT_N, leaf MAT_LEAF
enum { MAT_N = 1024, MAT_LEAF = 32 };
static float mat_a[MAT_N * MAT_N], mat_b[MAT_N * MAT_N], mat_c[MAT_N * MAT_N];

static inline void mat_leaf(const float *__restrict a, const float *__restrict b, float *__restrict c) {
  for (int i = 0; i < MAT_LEAF; i++)
    for (int k = 0; k < MAT_LEAF; k++)
      for (int j = 0; j < MAT_LEAF; j++) c[i * MAT_N + j] += a[i * MAT_N + k] * b[k * MAT_N + j];
}

static inline void mat_init(void) {
  for (int i = 0; i < MAT_N; i++)
    for (int j = 0; j < MAT_N; j++) {
      mat_a[i * MAT_N + j] = (float)(i % 8 + 1);
      mat_b[i * MAT_N + j] = (float)(j % 4 + 1);
      mat_c[i * MAT_N + j] = 0;
    }
}

static inline void mat_check(void) {
  for (int i = 0; i < MAT_N; i++)
    for (int j = 0; j < MAT_N; j++)
      check(mat_c[i * MAT_N + j] == (float)(MAT_N * (i % 8 + 1) * (j % 4 + 1)));
}

// reduce: the sum of sqrt(i), i < REDUCE_N
#define REDUCE_N 100000000L
static inline void reduce_check(double sum) {
  double want = 666666661666.4588;  // Euler-Maclaurin: 2/3 n^1.5 - 1/2 n^0.5 + zeta(-1/2)
  double err = sum / want - 1;
  check(err < 1e-9 && err > -1e-9);
}

// skynet by join: 10 children a node, SKY_LEAVES leaves
#define SKY_LEAVES 1000000L
#define SKY_RESULT (SKY_LEAVES * (SKY_LEAVES - 1) / 2)
#endif
