/*
 * Who waits for the default pool to have no task left may do so while somebody else closes it: each
 * wait ends, and nothing of a pool that is closed is used.
 */
#include "test.h"
#include <bine.h>

enum { WAITERS = 3 };

static _Atomic bool closed;

static void do_little(void)
{
    bine_yield();
}

static void *wait_again_and_again(void *unused)
{
    while (!closed)
        CHECK_EQ(bine_pool_wait(NULL), 0);
    return unused;
}

int main(void)
{
    int rounds = test_scaled(400);
    pthread_t waiters[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        waiters[i] = test_thread(wait_again_and_again, NULL);
    for (int i = 0; i < rounds; i++) {
        for (int j = 0; j < i % 10; j++)
            CHECK_EQ(bine_go(do_little), 0);
        CHECK_EQ(bine_pool_close(NULL), 0);
    }
    closed = true;
    for (int i = 0; i < WAITERS; i++)
        test_join(waiters[i]);
    return 0;
}
