/* A condition variable may be gone as soon as all that waited for it have been signalled. */
#include "test_support/crowd.h"
#include "test_support/frame.h"

enum { USERS = 6, WAITERS = 3, ROUNDS = 6000 };

struct shared {
    bine_mutex *mutex; /* outlives the condition */
    bine_cond *cond;
    int standing; /* guarded by mutex */
    bool open;
    bine_waitgroup gone;
};

static void wait_until_open(struct shared *shared)
{
    bine_lock(shared->mutex);
    shared->standing++;
    while (!shared->open)
        CHECK_EQ(bine_cond_wait(shared->cond, shared->mutex), 0);
    bine_unlock(shared->mutex);
    bine_waitgroup_done(&shared->gone);
}

/* Its frame holds the condition, and is used again by frame_look(). */
__attribute__((noinline)) static void use_frame(struct shared *shared, int round)
{
    bine_cond cond = {0};
    shared->cond = &cond;
    bine_waitgroup_add(&shared->gone, WAITERS);
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(bine_go(wait_until_open, shared), 0);
    bine_lock(shared->mutex);
    while (shared->standing < WAITERS) {
        bine_unlock(shared->mutex);
        bine_yield();
        bine_lock(shared->mutex);
    }
    shared->open = true;
    for (int i = 0; i < WAITERS && round % 2; i++)
        bine_cond_signal(&cond);
    if (round % 2 == 0)
        bine_cond_broadcast(&cond);
    bine_unlock(shared->mutex);
}

static void use_often(int number)
{
    bine_mutex mutex = {0};
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        struct shared shared = {.mutex = &mutex};
        use_frame(&shared, number + i);
        frame_look(i);
        CHECK_EQ(bine_waitgroup_wait(&shared.gone), 0);
    }
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
