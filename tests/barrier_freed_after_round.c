/* Whoever comes through a barrier, or has seen a function run once, may free the object when nobody
 * else is to come: the others do not touch it any more. */
#include "test_support/crowd.h"

enum { USERS = 6, PARTIES = 3, ROUNDS = 8000, POISON = 0x5a };

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

/* Its frame holds the objects, and is used again by look_at_frame(). */
__attribute__((noinline)) static void use_frame(int round)
{
    struct shared shared;
    memset(&shared, 0, sizeof(shared));
    bine_barrier_init(&shared.barrier, PARTIES);
    for (int i = 1; i < PARTIES; i++)
        CHECK_EQ(bine_go(meet, &shared, round * i), 0);
    meet(&shared, round * 7);
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
