// Boost.Fiber: round_robin on one thread, work_stealing on more. Stacks of 16 KiB from malloc.
// buffered_channel wants a power of two: capacity 128 stands for the rows' 100.
// No `serve`: a fiber starts on the thread that makes it, so a plain thread cannot start one elsewhere.
#include "bench.h"
#include <atomic>
#include <boost/fiber/all.hpp>
#include <climits>
#include <malloc.h>
#include <memory>
#include <thread>
#include <vector>

namespace bf = boost::fibers;

template <class F> static bf::fiber go(F f) {
  return bf::fiber(std::allocator_arg, bf::fixedsize_stack(16 * 1024), std::move(f));
}

class WaitGroup {
  std::atomic<long> left;
  bf::mutex m;
  bf::condition_variable cv;

public:
  explicit WaitGroup(long n) : left(n) {}
  void done() {
    if (left.fetch_sub(1) != 1) return;
    std::unique_lock lock(m);
    cv.notify_all();
  }
  void wait() {
    std::unique_lock lock(m);
    cv.wait(lock, [&] { return left == 0; });
  }
};

static void join_all(std::vector<bf::fiber> &v) {
  for (auto &f : v) f.join();
}

static void spawn_join() {
  long n = 0;
  for (int i = 0; i < 1000000; i++) go([&] { n++; }).join();
  check(n == 1000000);
}

// 100,000 at a time, ten times: each waiting fiber holds a touched stack.
static void burst() {
  std::atomic<long> n{0};
  for (int round = 0; round < 10; round++) {
    WaitGroup wg(100000);
    for (int i = 0; i < 100000; i++)
      go([&] {
        n.fetch_add(1, std::memory_order_relaxed);
        wg.done();
      }).detach();
    wg.wait();
  }
  check(n == 1000000);
}

static void burst20() {
  std::atomic<long> n{0};
  WaitGroup wg(10000);
  long turns = spin_turns(20);
  for (int i = 0; i < 10000; i++)
    go([&, turns] {
      spin(turns);
      n.fetch_add(1, std::memory_order_relaxed);
      wg.done();
    }).detach();
  wg.wait();
  check(n == 10000);
}

static void yield_n(int tasks, int times) {
  std::vector<bf::fiber> v;
  std::atomic<long> n{0};
  for (int t = 0; t < tasks; t++)
    v.push_back(go([&, times] {
      for (int i = 0; i < times; i++) boost::this_fiber::yield();
      n += times;
    }));
  join_all(v);
  check(n == (long)tasks * times);
}
static void yield() { yield_n(100, 20000); }
static void yield_10k() { yield_n(10000, 200); }

static void pingpong_n(int pairs, int trips) {
  typedef bf::unbuffered_channel<int> Chan;
  std::vector<std::unique_ptr<Chan>> chans;
  std::vector<bf::fiber> v;
  std::atomic<long> sum{0};
  for (int p = 0; p < pairs; p++) {
    chans.push_back(std::make_unique<Chan>());
    chans.push_back(std::make_unique<Chan>());
    Chan *to = chans[2 * p].get(), *back = chans[2 * p + 1].get();
    v.push_back(go([=, &sum] {
      long s = 0;
      for (int i = 0; i < trips; i++) {
        to->push(i);
        s += back->value_pop();
      }
      sum += s;
    }));
    v.push_back(go([=] {
      for (int i = 0; i < trips; i++) back->push(to->value_pop() + 1);
    }));
  }
  join_all(v);
  check(sum == (long)pairs * ((long)trips * (trips + 1) / 2));
}
static void pingpong() { pingpong_n(1, 500000); }
static void pingpong_pairs() { pingpong_n(1000, 1000); }

static void chan_n(int producers, int consumers, int items) {
  bf::buffered_channel<int> chan(128);
  std::vector<bf::fiber> v;
  std::atomic<long> sum{0};
  std::atomic<int> left{producers};
  for (int p = 0; p < producers; p++)
    v.push_back(go([&, producers, items] {
      for (int i = 0; i < items / producers; i++) chan.push(i);
      if (--left == 0) chan.close();
    }));
  for (int c = 0; c < consumers; c++)
    v.push_back(go([&] {
      long s = 0;
      for (int i; chan.pop(i) == bf::channel_op_status::success;) s += i;
      sum += s;
    }));
  join_all(v);
  long per = items / producers;
  check(sum == producers * (per * (per - 1) / 2));
}
static void chan_buf() { chan_n(1, 1, 5000000); }
static void chan_mpmc() { chan_n(4, 4, 4000000); }

static void chan_contended() {
  bf::buffered_channel<int> chan(128);
  std::vector<bf::fiber> v;
  std::atomic<long> sum{0};
  for (int t = 0; t < 100; t++)
    v.push_back(go([&] {
      long s = 0;
      for (int i = 0; i < 20000; i++) {
        chan.push(1);
        s += chan.value_pop();
      }
      sum += s;
    }));
  join_all(v);
  check(sum == 2000000);
}

static void mutex_n(int tasks, int times) {
  bf::mutex m;
  std::vector<bf::fiber> v;
  long n = 0;
  for (int t = 0; t < tasks; t++)
    v.push_back(go([&, times] {
      for (int i = 0; i < times; i++) {
        m.lock();
        n++;
        m.unlock();
      }
    }));
  join_all(v);
  check(n == (long)tasks * times);
}
static void mutex() { mutex_n(1, 20000000); }
static void mutex_contended() { mutex_n(100, 20000); }

static const Row rows[] = {
    {"spawn_join", spawn_join, 1e6, "ns/task"},
    {"burst", burst, 1e6, "ns/task"},
    {"yield", yield, 2e6, "ns/yield"},
    {"yield_10k", yield_10k, 2e6, "ns/yield"},
    {"pingpong", pingpong, 5e5, "ns/round trip"},
    {"pingpong_pairs", pingpong_pairs, 1e6, "ns/round trip"},
    {"chan_buf", chan_buf, 5e6, "ns/item"},
    {"chan_mpmc", chan_mpmc, 4e6, "ns/item"},
    {"chan_contended", chan_contended, 2e6, "ns/pair"},
    {"mutex", mutex, 2e7, "ns/pair"},
    {"mutex_contended", mutex_contended, 2e6, "ns/pair"},
    {"burst20", burst20, SPEED_UP, "speed-up"},
};

int main(int argc, char **argv) {
  const Row *row = bench_pick(argc, argv, rows, COUNT(rows), 64);
  if (!row) return 0;
  mallopt(M_TRIM_THRESHOLD, INT_MAX);  // keep freed stacks
  if (bench_workers == 1) {
    bench_row(row);
    return 0;
  }
  WaitGroup stop(1);  // the other threads' main fibers wait here and let their thread run stolen fibers
  std::vector<std::thread> threads;
  auto join_scheduler = [] { bf::use_scheduling_algorithm<bf::algo::work_stealing>((uint32_t)bench_workers); };
  for (int w = 1; w < bench_workers; w++)
    threads.emplace_back([&] {
      join_scheduler();
      stop.wait();
    });
  join_scheduler();
  bench_row(row);
  stop.done();
  for (auto &t : threads) t.join();
}
