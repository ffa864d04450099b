/* A wait group on the waiter's stack may be gone as soon as its wait has returned. */
#include "test_support/crowd.h"
#include "test_support/frame.h"

enum { USERS = 8, ROUNDS = 20000 };

static void be_done(bine_waitgroup *group, int round)
{
    test_spin((unsigned)round % 64);
    bine_waitgroup_done(group);
}

/* Its frame holds the group, and is used again by frame_look(). */
__attribute__((noinline)) static void use_frame(int round)
{
    bine_waitgroup group = {0};
    bine_waitgroup_add(&group, 2);
    CHECK_EQ(bine_go(be_done, &group, round), 0);
    CHECK_EQ(bine_go(be_done, &group, round * 5), 0);
    test_spin((unsigned)round % 200);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
}

static void use_often(int number)
{
    frame_use_often(use_frame, number, test_scaled(ROUNDS));
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
