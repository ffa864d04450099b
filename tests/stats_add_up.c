/* The counters agree with what was done, and never run backwards. */
#include "test.h"

enum { TASKS = 1000 };

static bine_event event;

static void wait_for_event(void)
{
    CHECK_EQ(bine_event_wait(&event), 0);
}

static void come_and_go(void)
{
    bine_yield();
}

static bine_stats get_stats(void)
{
    bine_stats stats;
    bine_stats_get(&stats, sizeof(stats));
    return stats;
}

int main(void)
{
    bine_stats first = get_stats();
    for (int i = 0; i < TASKS; i++) {
        CHECK_EQ(bine_go(wait_for_event), 0);
        CHECK_EQ(bine_go(come_and_go), 0);
        bine_stats now = get_stats();
        CHECK(now.started >= first.started && now.ended >= first.ended);
        CHECK(now.switches >= first.switches);
        first.started = now.started;
        first.ended = now.ended;
        first.switches = now.switches;
    }
    EVENTUALLY(get_stats().parked_tasks == TASKS && get_stats().ended == TASKS &&
               get_stats().ready_tasks == 0);
    bine_stats waiting = get_stats();
    CHECK_EQ(waiting.started, 2 * TASKS);
    CHECK(waiting.switches >= TASKS);
    CHECK(waiting.stack_bytes >= TASKS * 1024);
    CHECK(waiting.workers >= 1);

    bine_event_set(&event);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    EVENTUALLY(get_stats().ended == 2 * TASKS);
    CHECK_EQ(get_stats().started, 2 * TASKS);
    EVENTUALLY(get_stats().parked_tasks == 0);

    CHECK_EQ(bine_pool_close(NULL), 0); /* the counts are of all pools that were */
    CHECK_EQ(get_stats().started, 2 * TASKS);
    CHECK_EQ(get_stats().ended, 2 * TASKS);
    return 0;
}
