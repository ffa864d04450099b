/*
 * A serial pool runs strictly one task at a time: also when one blocks its thread, or computes for
 * long, or says so in advance. Other pools go on meanwhile.
 */
#include "test.h"

enum { TASKS = 40 };

static _Atomic int inside;
static _Atomic int unguarded; /* read and written apart; by nothing but the pool */
static bine_pool *pool;
static _Atomic bool stuck, release;

static void stay_alone(int how)
{
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(++inside, 1);
        int before = unguarded;
        if (how % 3 == 0)
            usleep(3000);
        if (how % 3 == 1) {
            bine_block_begin();
            usleep(1000);
            bine_block_end();
        }
        if (how % 3 == 2)
            test_spin(2000000);
        unguarded = before + 1;
        CHECK_EQ(--inside, 0);
        if (how % 2)
            bine_yield();
        else
            CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    }
}

static void be_stuck(void)
{
    stuck = true;
    while (!release)
        usleep(1000);
    stuck = false;
}

static void see_nobody_stuck(void)
{
    CHECK(!stuck);
}

static int go_on_elsewhere(void)
{
    CHECK(bine_pool_self() != pool);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    CHECK(stuck);
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_pool_go(pool, stay_alone, i), 0);
    CHECK_EQ(bine_pool_wait(pool), 0);
    CHECK_EQ(unguarded, TASKS * 5);

    CHECK_EQ(bine_pool_go(pool, be_stuck), 0);
    CHECK_EQ(bine_pool_go(pool, see_nobody_stuck), 0);
    EVENTUALLY(stuck);
    bine_future(int) elsewhere = bine_async(go_on_elsewhere);
    CHECK(elsewhere);
    CHECK_EQ(bine_await(elsewhere), 0);
    release = true;
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
