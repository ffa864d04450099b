/* A writer gets in against readers that always overlap, a reader against writers without a pause.
 */
#include "test_support/crowd.h"

enum { TURNS = 20, GREEDY = 4 };

static bine_rwlock lock;
static _Atomic int turns;

/* Two or more of these hold the lock at any time. */
static void read_greedily(int number)
{
    while (turns < TURNS) {
        bine_read_lock(&lock);
        CHECK_EQ(bine_sleep(BINE_US(50 + 10 * number)), 0);
        bine_read_unlock(&lock);
    }
}

static void write_greedily(int number)
{
    (void)number;
    while (turns < TURNS) {
        bine_write_lock(&lock);
        test_spin(100);
        bine_write_unlock(&lock);
    }
}

static void write_in_turns(int number)
{
    (void)number;
    for (int i = 0; i < TURNS; i++) {
        bine_write_lock(&lock);
        bine_write_unlock(&lock);
        turns++;
    }
}

static void read_in_turns(int number)
{
    (void)number;
    for (int i = 0; i < TURNS; i++) {
        bine_read_lock(&lock);
        bine_read_unlock(&lock);
        turns++;
    }
}

static void check(void (*greedy)(int), void (*modest)(int))
{
    for (int i = 0; i < 4; i++) {
        turns = 0;
        for (int j = 0; j < GREEDY; j++)
            (i % 2 ? crowd_add_thread : crowd_add_task)(greedy, j);
        (i / 2 ? crowd_add_thread : crowd_add_task)(modest, 0);
        crowd_join();
        CHECK_EQ(turns, TURNS);
    }
}

int main(void)
{
    check(read_greedily, write_in_turns);
    check(write_greedily, read_in_turns);
    return 0;
}
