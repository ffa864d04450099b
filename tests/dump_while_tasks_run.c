/* A dump may be taken at any time, by tasks and threads, while tasks start, wait, move and end. */
#include "test_support/crowd.h"
#include <fcntl.h>

enum { MOVERS = 20, DUMPERS = 4, DUMPS = 40 };

static int nowhere;
static _Atomic int dumpers_left;
static bine_mutex mutex;

static int compute(int number)
{
    if (number % 3)
        bine_yield();
    return number;
}

static void move(int number)
{
    for (int i = number; dumpers_left > 0; i++) {
        bine_future(int) future = bine_async(compute, i);
        CHECK(future);
        bine_lock(&mutex);
        bine_yield();
        bine_unlock(&mutex);
        CHECK_EQ(bine_await(future), i);
        CHECK_EQ(bine_sleep(BINE_US(i % 50)), 0);
    }
}

static void dump_often(int number)
{
    for (int i = 0; i < DUMPS; i++) {
        CHECK_EQ(bine_dump(nowhere), 0);
        CHECK_EQ(bine_sleep(BINE_US(number * 100)), 0);
    }
    dumpers_left--;
}

int main(void)
{
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(nowhere >= 0);
    dumpers_left = DUMPERS;
    crowd_start_mixed(move, MOVERS);
    crowd_start_mixed(dump_often, DUMPERS);
    crowd_join();
    return 0;
}
