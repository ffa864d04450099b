/* Whoever comes through a barrier, or has seen a function run once, may free the object when nobody
 * else is to come: the others do not touch it any more. */
#include "test_support/crowd.h"
#include "test_support/frame.h"

enum { USERS = 6, PARTIES = 3, ROUNDS = 8000 };

struct shared {
    bine_barrier barrier;
    bine_once once;
};

static void nothing(void)
{
    bine_yield();
}

static void meet(struct shared *shared, int round)
{
    test_spin((unsigned)round % 128);
    bine_once_do(&shared->once, nothing);
    bine_barrier_wait(&shared->barrier);
}

/* Its frame holds the objects, and is used again by frame_look(). */
__attribute__((noinline)) static void use_frame(int round)
{
    struct shared shared;
    memset(&shared, 0, sizeof(shared));
    bine_barrier_init(&shared.barrier, PARTIES);
    for (int i = 1; i < PARTIES; i++)
        CHECK_EQ(bine_go(meet, &shared, round * i), 0);
    meet(&shared, round * 7);
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
