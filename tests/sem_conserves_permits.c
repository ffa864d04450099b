/* Never more permits are out than there are, and in the end all are back, whatever numbers of them
 * tasks and plain threads take, and though some give up. */
#include "test_support/crowd.h"

enum { PERMITS = 7, USERS = 16, ROUNDS = 3000 };

static bine_sem sem;
static _Atomic int out, gave_up;

static int acquire(uint64_t *state, int permits)
{
    switch (test_random_below(state, 4)) {
    case 0:
        return bine_sem_acquire_until(&sem, (size_t)permits, BINE_NOW);
    case 1:
        return bine_sem_acquire_until(&sem, (size_t)permits, bine_after(BINE_US(20)));
    default:
        return bine_sem_acquire(&sem, (size_t)permits);
    }
}

static void use(int number)
{
    uint64_t state = (uint64_t)number;
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        int permits = (int)test_random_below(&state, PERMITS) + 1;
        int result = acquire(&state, permits);
        if (result) {
            CHECK(result == -EAGAIN || result == -ETIMEDOUT);
            gave_up++;
            continue;
        }
        out += permits;
        CHECK(out <= PERMITS);
        if (i % 8 == 0)
            bine_yield();
        out -= permits;
        for (int part = permits / 2; part > 0 && i % 2; part = 0) {
            bine_sem_release(&sem, (size_t)part);
            permits -= part;
        }
        bine_sem_release(&sem, (size_t)permits);
    }
}

int main(void)
{
    bine_sem_init(&sem, PERMITS);
    crowd_start_mixed(use, USERS);
    crowd_join();
    CHECK_EQ(out, 0);
    CHECK(gave_up > 0);
    CHECK_EQ(bine_sem_acquire_until(&sem, PERMITS, BINE_NOW), 0);
    CHECK_EQ(bine_sem_acquire_until(&sem, 1, BINE_NOW), -EAGAIN);
    return 0;
}
