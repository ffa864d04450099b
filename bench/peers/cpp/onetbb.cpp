// oneTBB: task_group fork-join, parallel_reduce.
#include "bench.h"
#include <atomic>
#include <chrono>
#include <cmath>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <thread>

static void spawn_join() {
  tbb::task_group g;
  long n = 0;
  for (int i = 0; i < 1000000; i++) {
    g.run([&] { n++; });
    g.wait();
  }
  check(n == 1000000);
}

static void burst() {
  tbb::task_group g;
  std::atomic<long> n{0};
  for (int i = 0; i < 1000000; i++) g.run([&] { n.fetch_add(1, std::memory_order_relaxed); });
  g.wait();
  check(n == 1000000);
}

static void burst20() {
  tbb::task_group g;
  std::atomic<long> n{0};
  long turns = spin_turns(20);
  for (int i = 0; i < 10000; i++)
    g.run([&, turns] {
      spin(turns);
      n.fetch_add(1, std::memory_order_relaxed);
    });
  g.wait();
  check(n == 10000);
}

// The main thread is the plain one: it starts the tasks in an arena that has no place for it.
static void serve() {
  static tbb::task_arena arena(bench_workers, 0);
  static std::atomic<long> left, done;  // the last task touches them when the count is down
  left = SERVE_TASKS;
  done = 0;
  unsigned long long random = RANDOM_SEED;
  long sum = 0;
  double due = bench_now();
  for (int i = 0; i < SERVE_TASKS; i++) {
    random = next_random(random);
    long turns = spin_turns((long)(1 + random % 500));
    sum += turns;
    due += 1000 * SERVE_US;
    double early = due - bench_now();
    if (early > 0) std::this_thread::sleep_for(std::chrono::nanoseconds((long)early));
    double spawned = bench_now();
    arena.enqueue([i, turns, spawned] {
      bench_delays[i] = (bench_now() - spawned) / 1e3;
      spin(turns);
      done.fetch_add(turns, std::memory_order_relaxed);
      if (left.fetch_sub(1) == 1) left.notify_one();
    });
  }
  for (long n; (n = left) > 0;) left.wait(n);
  check(done == sum);
}

static long fib_of(int n) {
  if (n < 2) return n;
  tbb::task_group g;
  long x, y;
  g.run([&] { x = fib_of(n - 1); });
  y = fib_of(n - 2);
  g.wait();
  return x + y;
}
static void fib() { check(fib_of(FIB_N) == FIB_RESULT); }

static long queens(int row, const Board &board) {
  if (row == QUEENS_N) return 1;
  long part[QUEENS_N];
  int n = 0;
  tbb::task_group g;
  for (int col = 0; col < QUEENS_N; col++)
    if (queen_ok(&board, row, col)) {
      Board next = board;
      next.col[row] = (signed char)col;
      g.run([row, next, out = &part[n++]] { *out = queens(row + 1, next); });
    }
  g.wait();
  long sum = 0;
  for (int i = 0; i < n; i++) sum += part[i];
  return sum;
}
static void nqueens() { check(queens(0, Board{}) == QUEENS_RESULT); }

static void mul(const float *a, const float *b, float *c, int n) {
  if (n == MAT_LEAF) return mat_leaf(a, b, c);
  int h = n / 2, d = h * MAT_N;
  tbb::parallel_invoke([=] { mul(a, b, c, h); }, [=] { mul(a, b + h, c + h, h); },
                       [=] { mul(a + d, b, c + d, h); }, [=] { mul(a + d, b + h, c + d + h, h); });
  tbb::parallel_invoke([=] { mul(a + h, b + d, c, h); }, [=] { mul(a + h, b + d + h, c + h, h); },
                       [=] { mul(a + d + h, b + d, c + d, h); }, [=] { mul(a + d + h, b + d + h, c + d + h, h); });
}
static void matmul() {
  memset(mat_c, 0, sizeof mat_c);
  mul(mat_a, mat_b, mat_c, MAT_N);
}

static long sky(long base, long size) {
  if (size == 1) return base;
  long part[10], sum = 0, step = size / 10;
  tbb::task_group g;
  for (int i = 1; i < 10; i++) g.run([=, &part] { part[i] = sky(base + i * step, step); });
  part[0] = sky(base, step);
  g.wait();
  for (long p : part) sum += p;
  return sum;
}
static void skynet_join() { check(sky(0, SKY_LEAVES) == SKY_RESULT); }

static void reduce() {
  reduce_check(tbb::parallel_reduce(
      tbb::blocked_range<long>(0, REDUCE_N), 0.0,
      [](const tbb::blocked_range<long> &r, double sum) {
        for (long i = r.begin(); i != r.end(); i++) sum += std::sqrt((double)i);
        return sum;
      },
      std::plus<double>()));
}

static const Row rows[] = {
    {"spawn_join", spawn_join, 1e6, "ns/task"}, {"burst", burst, 1e6, "ns/task"},
    {"fib", fib, FIB_CALLS, "ns/call"},         {"nqueens", nqueens, 0, "ms"},
    {"matmul", matmul, 0, "ms"},                {"skynet_join", skynet_join, 0, "ms"},
    {"reduce", reduce, 0, "ms"},                {"burst20", burst20, SPEED_UP, "speed-up"},
    {"serve", serve, DELAYS, "us"},
};

int main(int argc, char **argv) {
  const Row *row = bench_pick(argc, argv, rows, COUNT(rows), 1024);
  if (!row) return 0;
  int threads = bench_workers + (row->run == serve);  // the main thread counts, and does not serve
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(bench_workers);
  mat_init();
  if (row->run == serve)
    bench_row(row);
  else
    arena.execute([&] { bench_row(row); });
  if (row->run == matmul) mat_check();
}
