/* The mutex, alone and contended: mutex, mutex_contended. */
#include "bench.h"

struct tally {
    bine_mutex mutex;
    long total; /* protected by mutex */
    bine_waitgroup group;
};

static void add_often(struct tally *tally, long times)
{
    for (long i = 0; i < times; i++) {
        bine_lock(&tally->mutex);
        tally->total++;
        bine_unlock(&tally->mutex);
    }
    bine_waitgroup_done(&tally->group);
}

static double mutex_run(long tasks, long times)
{
    struct tally tally = {0};
    int64_t start = now_ns();
    bine_waitgroup_add(&tally.group, tasks);
    for (long i = 0; i < tasks; i++)
        check(bine_go(add_often, &tally, times) == 0, "mutex: cannot start a task");
    bine_waitgroup_wait(&tally.group);
    double value = ns_since(start) / (double)(tasks * times);
    check(tally.total == tasks * times, "mutex: wrong total");
    return value;
}

double row_mutex(void)
{
    return mutex_run(1, 20000000);
}

double row_mutex_contended(void)
{
    return mutex_run(100, 20000);
}
