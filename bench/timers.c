/* A million sleeping tasks: sleepers, sleepers_cpu. */
#include "bench.h"
#include <stdatomic.h>
#include <sys/resource.h>

enum { SLEEPERS = 1000000, LONGEST_MS = 1000 };

struct dormitory {
    _Atomic long woken;
    bine_waitgroup group;
};

static void sleep_once(struct dormitory *dormitory, uint32_t number)
{
    bine_sleep(BINE_MS(number * UINT32_C(2654435761) % (LONGEST_MS + 1)));
    /* relaxed: the wait group orders the sum before it is read. */
    atomic_fetch_add_explicit(&dormitory->woken, 1, memory_order_relaxed);
    bine_waitgroup_done(&dormitory->group);
}

static void sleepers_run(void)
{
    struct dormitory dormitory = {0};
    bine_waitgroup_add(&dormitory.group, SLEEPERS);
    for (uint32_t i = 0; i < SLEEPERS; i++)
        check(bine_go(sleep_once, &dormitory, i) == 0, "sleepers: cannot start a task");
    bine_waitgroup_wait(&dormitory.group);
    check(atomic_load_explicit(&dormitory.woken, memory_order_relaxed) == SLEEPERS,
          "sleepers: wrong count");
}

double row_sleepers(void)
{
    int64_t start = now_ns();
    sleepers_run();
    return ms_since(start) - LONGEST_MS;
}

static double to_ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static double cpu_ms(void)
{
    struct rusage usage;
    check(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
    return to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
}

double row_sleepers_cpu(void)
{
    double before = cpu_ms();
    sleepers_run();
    return cpu_ms() - before;
}
