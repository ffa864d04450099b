/* A dropped future's task still runs to its end: dropped unstarted, running, waiting or ended. */
#include "test.h"

enum { TASKS = 5000 };

static _Atomic int ended;
static bine_event go_on;

static int end_at_once(int number)
{
    ended++;
    return number;
}

static double wait_first(int number)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
    ended++;
    return number;
}

static void drop_at_once(int count)
{
    for (int i = 0; i < count; i++)
        bine_drop(bine_async(end_at_once, i));
}

static void check_with(void (*drop)(int), int count)
{
    ended = 0;
    drop(count);
    EVENTUALLY(ended == count);
}

static void drop_ended(int count)
{
    for (int i = 0; i < count; i++) {
        bine_future(int) future = bine_async(end_at_once, i);
        CHECK(future);
        EVENTUALLY(ended == i + 1);
        bine_drop(future);
    }
}

static void drop_waiting(int count)
{
    for (int i = 0; i < count; i++) {
        bine_future(double) future = bine_async(wait_first, i);
        CHECK(future);
        if (i % 2)
            bine_yield();
        bine_drop(future);
    }
    bine_event_set(&go_on);
}

static int drop_in_task(int count)
{
    drop_at_once(count);
    return 0;
}

int main(void)
{
    int count = test_scaled(TASKS);
    check_with(drop_at_once, count);
    check_with(drop_waiting, count);
    check_with(drop_ended, 100);
    bine_drop((bine_future(int))NULL);

    ended = 0;
    bine_drop(bine_async(drop_in_task, count));
    EVENTUALLY(ended == count);
    return 0;
}
