/* All that wait for a group, tasks and plain threads, go on when the last thing is done. */
#include "test_support/crowd.h"

enum { WAITERS = 40, ROUNDS = 30 };

static bine_waitgroup group;
static _Atomic int waiting, woken;
static _Atomic bool done;

static void wait_for_group(int number)
{
    waiting++;
    if (number % 2)
        CHECK_EQ(bine_waitgroup_wait(&group), 0);
    else
        CHECK_EQ(bine_waitgroup_wait_until(&group, bine_after(BINE_S(1000))), 0);
    CHECK(done);
    woken++;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        waiting = woken = 0;
        done = false;
        bine_waitgroup_add(&group, 2);
        crowd_start_mixed(wait_for_group, WAITERS);
        if (i % 3 == 0)
            EVENTUALLY(waiting == WAITERS);
        bine_waitgroup_done(&group);
        done = true;
        bine_waitgroup_done(&group);
        crowd_join();
        CHECK_EQ(woken, WAITERS);
    }
    return 0;
}
