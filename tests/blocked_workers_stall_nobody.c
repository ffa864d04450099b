/*
 * Tasks that sit in read(2) on every worker, and more of them, keep neither other tasks nor timers
 * waiting: a ticker and a stream of new tasks go on while all of them are still blocked.
 */
#include "test.h"

enum { MOST = 64, TICKS = 50 };

static int pipes[MOST][2];
static _Atomic int blocking, returned, helped;

static void block(int number, bool announced)
{
    char byte;
    blocking++;
    if (announced)
        bine_block_begin();
    CHECK_EQ(read(pipes[number][0], &byte, 1), 1);
    if (announced)
        bine_block_end();
    CHECK_EQ(byte, 'a' + number % 26);
    returned++;
}

static void help(void)
{
    helped++;
}

static int tick(void)
{
    for (int i = 0; i < TICKS; i++) {
        bine_time until = bine_after(BINE_MS(1));
        CHECK_EQ(bine_go(help), 0);
        CHECK_EQ(bine_sleep_until(until), 0);
        CHECK(bine_now() >= until);
    }
    EVENTUALLY(helped == TICKS);
    CHECK_EQ(returned, 0);
    return 0;
}

static void check_with(int blockers, bool announced)
{
    blocking = returned = helped = 0;
    for (int i = 0; i < blockers; i++) {
        CHECK_EQ(pipe(pipes[i]), 0);
        CHECK_EQ(bine_go(block, i, announced), 0);
    }
    bine_future(int) ticker = bine_async(tick); /* behind them all */
    CHECK(ticker);
    EVENTUALLY(blocking == blockers);
    CHECK_EQ(bine_await(ticker), 0);
    for (int i = 0; i < blockers; i++)
        CHECK_EQ(write(pipes[i][1], &(char){(char)('a' + i % 26)}, 1), 1);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(returned, blockers);
    for (int i = 0; i < blockers; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

int main(void)
{
    int workers = (int)bine_pool_workers(bine_pool_self());
    int more = 2 * workers + 3 < MOST ? 2 * workers + 3 : MOST;
    check_with(workers < MOST ? workers : MOST, false);
    check_with(more, false);
    check_with(more, true);
    return 0;
}
