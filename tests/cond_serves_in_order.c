/*
 * Signals wake in the order of the waits, and who was signalled first has the mutex first; so it is
 * with a broadcast. Tasks and plain threads stand in one line.
 */
#include "test_support/crowd.h"
#include "test_support/line.h"

enum { WAITERS = 12, ROUNDS = 20 };

static bine_mutex mutex;
static bine_cond cond;
static int woken, order[WAITERS]; /* guarded by mutex */

static void wait_in_line(int number)
{
    bine_lock(&mutex);
    int result = number % 2 ? bine_cond_wait(&cond, &mutex)
                            : bine_cond_wait_until(&cond, &mutex, bine_after(BINE_S(1000)));
    CHECK_EQ(result, 0);
    order[woken++] = number;
    bine_unlock(&mutex);
}

static void start_in_order(void)
{
    woken = 0;
    for (int i = 0; i < WAITERS; i++) {
        (i % 3 == 2 ? crowd_add_thread : crowd_add_task)(wait_in_line, i);
        line_until(&cond, i + 1);
    }
}

static int count_woken(void)
{
    bine_lock(&mutex);
    int count = woken;
    bine_unlock(&mutex);
    return count;
}

static void signal_one_by_one(void)
{
    for (int i = 0; i < WAITERS; i++) {
        bine_cond_signal(&cond);
        EVENTUALLY(count_woken() > i);
        CHECK_EQ(count_woken(), i + 1);
        CHECK_EQ(line_length(&cond), WAITERS - i - 1);
    }
}

static void signal_all_at_once(void)
{
    for (int i = 0; i < WAITERS; i++)
        bine_cond_signal(&cond);
}

static void signal_with_mutex(void)
{
    bine_lock(&mutex);
    for (int i = 0; i < WAITERS; i++)
        bine_cond_signal(&cond);
    bine_unlock(&mutex);
}

static void broadcast(void)
{
    bine_cond_broadcast(&cond);
}

static void broadcast_with_mutex(void)
{
    bine_lock(&mutex);
    bine_cond_broadcast(&cond);
    bine_unlock(&mutex);
}

static void check(void (*wake)(void))
{
    for (int round = 0; round < ROUNDS; round++) {
        bine_cond_signal(&cond); /* nobody waits: it is not kept for later */
        bine_cond_broadcast(&cond);
        start_in_order();
        wake();
        crowd_join();
        CHECK_EQ(woken, WAITERS);
        for (int i = 0; i < WAITERS; i++)
            CHECK_EQ(order[i], i);
    }
}

int main(void)
{
    check(signal_one_by_one);
    check(signal_all_at_once);
    check(signal_with_mutex);
    check(broadcast);
    check(broadcast_with_mutex);
    return 0;
}
