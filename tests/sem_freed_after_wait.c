/* A semaphore on the waiter's stack may be gone as soon as what was released has been acquired. */
#include "test_support/crowd.h"
#include "test_support/frame.h"

enum { USERS = 8, ROUNDS = 20000 };

static void release(bine_sem *sem, int round)
{
    test_spin((unsigned)round % 64);
    bine_sem_release(sem, 2);
}

/* Its frame holds the semaphore, and is used again by frame_look(). */
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
