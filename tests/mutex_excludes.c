/* A mutex lets one in at a time, tasks and plain threads alike, also when its holder waits. */
#include "test_support/crowd.h"

enum { USERS = 24, ROUNDS = 4000 };

static bine_mutex mutex;
static long count; /* guarded by mutex */
static bool inside;

static void work(int number)
{
    CHECK(!inside);
    inside = true;
    count++;
    if (number % 50 == 0)
        bine_yield();
    if (number % 1000 == 1)
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    if (number % 100 == 2)
        test_spin(500);
    CHECK(inside);
    inside = false;
}

static void lock_somehow(int how)
{
    if (how % 3 == 0) {
        while (bine_try_lock(&mutex) == -EAGAIN)
            bine_yield();
    } else if (how % 3 == 1) {
        while (bine_lock_until(&mutex, bine_after(BINE_US(100))) == -ETIMEDOUT)
            ;
    } else {
        bine_lock(&mutex);
    }
}

static void use_often(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        lock_somehow(i);
        work(number + i);
        bine_unlock(&mutex);
    }
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    CHECK_EQ(count, (long)USERS * test_scaled(ROUNDS));
    return 0;
}
