/* Tasks that compute without end on every worker keep neither other tasks nor timers waiting. */
#include "test.h"

enum { TICKS = 30 };

static _Atomic bool stop;
static _Atomic int computing, helped;
static bine_event helped_once;

static void compute(void)
{
    computing++;
    while (!stop)
        ;
    computing--;
}

static void help(void)
{
    helped++;
    bine_event_set(&helped_once);
}

static int tick(int hogs)
{
    EVENTUALLY(computing == hogs);
    for (int i = 0; i < TICKS; i++) {
        bine_event_clear(&helped_once);
        CHECK_EQ(bine_go(help), 0);
        CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
        CHECK_EQ(bine_event_wait(&helped_once), 0);
    }
    CHECK_EQ(computing, hogs);
    stop = true;
    return 0;
}

static void check_with(int hogs)
{
    stop = false;
    helped = 0;
    for (int i = 0; i < hogs; i++)
        CHECK_EQ(bine_go(compute), 0);
    bine_future(int) ticker = bine_async(tick, hogs);
    CHECK(ticker);
    CHECK_EQ(bine_await(ticker), 0);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(helped, TICKS);
    CHECK_EQ(computing, 0);
}

int main(void)
{
    int workers = (int)bine_pool_workers(bine_pool_self());
    check_with(workers);
    check_with(workers + 2);
    return 0;
}
