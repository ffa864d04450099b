/* A wait group on the waiter's stack may be gone as soon as its wait has returned. */
#include "test_support/crowd.h"

enum { USERS = 8, ROUNDS = 20000, POISON = 0x5a };

static void be_done(bine_waitgroup *group, int round)
{
    test_spin((unsigned)round % 64);
    bine_waitgroup_done(group);
}

/* Its frame holds the group, and is used again by look_at_frame(). */
__attribute__((noinline)) static void use_frame(int round)
{
    bine_waitgroup group = {0};
    bine_waitgroup_add(&group, 2);
    CHECK_EQ(bine_go(be_done, &group, round), 0);
    CHECK_EQ(bine_go(be_done, &group, round * 5), 0);
    test_spin((unsigned)round % 200);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
}

__attribute__((noinline)) static void look_at_frame(int round)
{
    volatile unsigned char bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = POISON;
    test_spin((unsigned)round % 300);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], POISON);
}

static void use_often(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        use_frame(number + i);
        look_at_frame(i);
    }
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
