/* errno is a task's own: it keeps its value across waits of every kind, on whichever thread, also
 * where it is used on both sides of a wait. */
#include "test_support/crowd.h"

enum { TASKS = 48, ROUNDS = 300 };

static bine_mutex mutex;
static bine_event never_set;

static int spoil(int number)
{
    errno = number;
    bine_yield();
    return number;
}

static void wait_somehow(int how)
{
    bine_future(int) future;
    switch (how % 5) {
    case 0:
        bine_yield();
        break;
    case 1:
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
        break;
    case 2:
        bine_lock(&mutex);
        bine_yield();
        bine_unlock(&mutex);
        break;
    case 3:
        future = bine_async(spoil, how);
        CHECK(future);
        errno = how + 1;
        CHECK_EQ(bine_await(future), how);
        break;
    default:
        CHECK_EQ(bine_event_wait_until(&never_set, bine_after(BINE_US(50))), -ETIMEDOUT);
    }
}

static void keep(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        int how = number + i;
        errno = how + 1;
        wait_somehow(how);
        CHECK_EQ(errno, how + 1);
    }
}

int main(void)
{
    crowd_start_tasks(keep, TASKS);
    crowd_join();
    return 0;
}
