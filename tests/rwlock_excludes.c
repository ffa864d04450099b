/* Under a read-write lock a writer is alone and readers are not; what a writer wrote is seen. */
#include "test_support/crowd.h"
#include <stdatomic.h>

enum { USERS = 16, ROUNDS = 3000 };

static bine_rwlock lock;
static _Atomic int readers, writers, most_readers;
static long data[4]; /* guarded by lock: all the same */

static void pause_now_and_then(int i)
{
    if (i % 16 == 0)
        bine_yield();
    else
        test_spin((unsigned)i % 50);
}

static void read_data(int i)
{
    int now = ++readers, most = most_readers;
    CHECK_EQ(writers, 0);
    while (now > most && !atomic_compare_exchange_weak(&most_readers, &most, now))
        ;
    long first = data[0];
    pause_now_and_then(i);
    for (int j = 0; j < 4; j++)
        CHECK_EQ(data[j], first);
    readers--;
}

static void write_data(int i)
{
    CHECK_EQ(++writers, 1);
    CHECK_EQ(readers, 0);
    for (int j = 0; j < 4; j++) {
        data[j]++;
        if (j == 1)
            pause_now_and_then(i);
    }
    writers--;
}

static void use(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        bool in_time = (i + number) % 3 == 0;
        if ((i + number) % 4 == 0) {
            if (in_time)
                CHECK_EQ(bine_write_lock_until(&lock, BINE_NEVER), 0);
            else
                bine_write_lock(&lock);
            write_data(i);
            bine_write_unlock(&lock);
        } else {
            if (in_time)
                CHECK_EQ(bine_read_lock_until(&lock, BINE_NEVER), 0);
            else
                bine_read_lock(&lock);
            read_data(i);
            bine_read_unlock(&lock);
        }
    }
}

/* Every reader waits for the next to come in. */
static void meet(int number)
{
    (void)number;
    bine_read_lock(&lock);
    readers++;
    EVENTUALLY(readers == USERS);
    bine_read_unlock(&lock);
}

int main(void)
{
    crowd_start_mixed(use, USERS);
    crowd_join();
    long writes = 0;
    for (int number = 0; number < USERS; number++)
        for (int i = 0; i < test_scaled(ROUNDS); i++)
            writes += (i + number) % 4 == 0;
    CHECK_EQ(data[0], writes);
    CHECK(most_readers > 1); /* else they were not together */
    crowd_start_mixed(meet, USERS);
    crowd_join();
    return 0;
}
