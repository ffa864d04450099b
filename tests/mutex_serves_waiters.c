/* A waiter gets the mutex even against others that unlock and lock it again without a pause. */
#include "test_support/crowd.h"

enum { TURNS = 20, GREEDY = 3 };

static bine_mutex mutex;
static _Atomic int turns;

static void lock_greedily(int number)
{
    (void)number;
    while (turns < TURNS) {
        bine_lock(&mutex);
        test_spin(100);
        bine_unlock(&mutex);
    }
}

/* Greedy, and holds it across a wait. */
static void lock_and_sleep(int number)
{
    (void)number;
    while (turns < TURNS) {
        bine_lock(&mutex);
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
        bine_unlock(&mutex);
    }
}

static void take_turns(int number)
{
    (void)number;
    for (int i = 0; i < TURNS; i++) {
        bine_lock(&mutex);
        bine_unlock(&mutex);
        turns++;
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    }
}

static void check_with(void (*greedy)(int), bool in_thread)
{
    turns = 0;
    for (int i = 0; i < GREEDY; i++)
        (in_thread ? crowd_add_thread : crowd_add_task)(greedy, i);
    crowd_add_task(take_turns, 0);
    crowd_join();
    turns = 0;
    for (int i = 0; i < GREEDY; i++)
        crowd_add_task(greedy, i);
    crowd_add_thread(take_turns, 0);
    crowd_join();
}

int main(void)
{
    check_with(lock_greedily, false);
    check_with(lock_greedily, true);
    check_with(lock_and_sleep, false);
    check_with(lock_and_sleep, true);
    return 0;
}
