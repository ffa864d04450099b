/* A wait ends when all that was added is done, not before; the group may be used again and again.
 */
#include "test_support/crowd.h"

enum { WORKERS = 30, ROUNDS = 300, DONE_EACH = 10 };

static bine_waitgroup group;
static _Atomic int done;

static void work(int number)
{
    if (number % 3 == 0)
        bine_yield();
    if (number % 10 == 1)
        CHECK_EQ(bine_sleep(BINE_US(30)), 0);
    done++;
    bine_waitgroup_done(&group);
}

static void work_often(int number)
{
    (void)number;
    for (int i = 0; i < DONE_EACH; i++)
        work(i);
}

static int check_round(void)
{
    done = 0;
    bine_waitgroup_add(&group, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        CHECK_EQ(bine_go(work, i), 0);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(done, WORKERS);
    CHECK_EQ(bine_waitgroup_wait(&group), 0); /* nothing left */
    return 0;
}

/* More is added while some of it is done already. */
static void add_more(int depth)
{
    if (depth > 0)
        for (int i = 0; i < 2; i++) {
            bine_waitgroup_add(&group, 1);
            CHECK_EQ(bine_go(add_more, depth - 1), 0);
        }
    work(depth);
}

int main(void)
{
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        check_round();
        CHECK_EQ(bine_run(check_round), 0);
    }

    done = 0;
    bine_waitgroup_add(&group, 1);
    CHECK_EQ(bine_go(add_more, 10), 0);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(done, (2 << 10) - 1);

    bine_waitgroup_add(&group, 3); /* a negative count is as many times done */
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), -EAGAIN);
    bine_waitgroup_add(&group, -2);
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), -EAGAIN);
    bine_waitgroup_add(&group, -1);
    CHECK_EQ(bine_waitgroup_wait_until(&group, BINE_NOW), 0);

    done = 0;
    bine_waitgroup_add(&group, 20 * DONE_EACH);
    crowd_start_mixed(work_often, 20);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(done, 20 * DONE_EACH);
    crowd_join();
    return 0;
}
