/* Two tasks that yield on one worker take turns: each yield lets the other one run first. */
#include "test.h"

enum { TURNS = 2000 };

static char turns[2 * TURNS];
static _Atomic int taken, started;

static void take_turns(int name)
{
    started++;
    while (started < 2)
        bine_yield();
    for (int i = 0; i < TURNS; i++) {
        turns[taken++] = (char)name;
        bine_yield();
    }
}

int main(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    CHECK_EQ(bine_pool_go(pool, take_turns, 'a'), 0);
    CHECK_EQ(bine_pool_go(pool, take_turns, 'b'), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(taken, 2 * TURNS);
    for (int i = 1; i < 2 * TURNS; i++)
        CHECK(turns[i] != turns[i - 1]);
    return 0;
}
