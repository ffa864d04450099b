/*
 * A million tasks wait at once, under the system's usual limits, and all of them end. With other
 * than one worker there are a hundred thousand of them.
 */
/* test: timeout=300 */
#include "test_support/process.h"

enum { MILLION = 1000000, FEWER = 100000, KIB_EACH = 6 };

static bine_event event;
static bine_waitgroup group;
static _Atomic int woken;

static void wait_for_event(void)
{
    CHECK_EQ(bine_event_wait(&event), 0);
    woken++;
    bine_waitgroup_done(&group);
}

int main(void)
{
    int tasks = test_scaled(test_workers_wanted() == 1 ? MILLION : FEWER);
    long needed = (long)tasks * KIB_EACH * (TEST_SANITIZED ? 4 : 1);
    bine_stats stats;
    if (process_read_kib("/proc/meminfo", "MemAvailable") < needed + needed / 4)
        test_skip("too little memory");
    bine_waitgroup_add(&group, tasks);
    for (int i = 0; i < tasks; i++)
        CHECK_EQ(bine_go(wait_for_event), 0);
    do {
        test_pause();
        bine_stats_get(&stats, sizeof(stats));
    } while (stats.parked_tasks < (unsigned)tasks);
    CHECK_EQ(woken, 0);
    if (!TEST_SANITIZED)
        CHECK(process_read_kib("/proc/self/status", "VmRSS") < needed);
    bine_event_set(&event);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(woken, tasks);
    return 0;
}
