/*
 * Plain threads wait for descriptors as tasks do: with no pool before, beside tasks, and on while
 * the last pool is closed and others come and go.
 */
#include "test_support/net.h"

enum { ROUNDS = 200 };

static int ends[2];

static void *echo(void *unused)
{
    char byte;
    (void)unused;
    while (bine_read(ends[0], &byte, 1) == 1)
        CHECK_EQ(bine_write(ends[0], &byte, 1), 1);
    return NULL;
}

static void talk(int rounds)
{
    char byte = 'x';
    for (int i = 0; i < rounds; i++) {
        CHECK_EQ(bine_write(ends[1], &byte, 1), 1);
        CHECK_EQ(bine_read(ends[1], &byte, 1), 1);
    }
}

static int talk_in_task(int rounds)
{
    talk(rounds);
    return 0;
}

int main(void)
{
    bine_pool *pool;
    net_foreign_pair(ends);
    pthread_t thread = test_thread(echo, NULL);
    talk(ROUNDS);
    CHECK_EQ(bine_run(talk_in_task, ROUNDS), 0);
    CHECK_EQ(bine_pool_close(NULL), 0);
    /* It still waits, and no pool is open. */
    CHECK_EQ(write(ends[1], "x", 1), 1);
    char byte;
    CHECK_EQ(read(ends[1], &byte, 1), 1);
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 1}), 0);
    CHECK_EQ(bine_await(bine_pool_async(pool, talk_in_task, ROUNDS)), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(read(ends[1], &byte, 1), 1);
    CHECK_EQ(bine_close(ends[1]), 0);
    test_join(thread);
    CHECK_EQ(bine_close(ends[0]), 0);
    return 0;
}
