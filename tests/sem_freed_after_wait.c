/* A semaphore on the waiter's stack may be gone as soon as what was released has been acquired. */
#include "test_support/crowd.h"

enum { USERS = 8, ROUNDS = 20000, POISON = 0x5a };

static void release(bine_sem *sem, int round)
{
    test_spin((unsigned)round % 64);
    bine_sem_release(sem, 2);
}

/* Its frame holds the semaphore, and is used again by look_at_frame(). */
__attribute__((noinline)) static void use_frame(int round)
{
    bine_sem sem = {0};
    CHECK_EQ(bine_go(release, &sem, round), 0);
    CHECK_EQ(bine_go(release, &sem, round * 5), 0);
    test_spin((unsigned)round % 200);
    if (round % 2) {
        CHECK_EQ(bine_sem_acquire(&sem, 4), 0);
        return;
    }
    CHECK_EQ(bine_sem_acquire(&sem, 3), 0);
    CHECK_EQ(bine_sem_acquire(&sem, 1), 0);
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
