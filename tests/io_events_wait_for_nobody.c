/*
 * Tasks that compute without end, or stand in a blocking call, keep no event from the others: a
 * task that echoes goes on beside as many of them as there are workers, also if they are in another
 * pool than the one that looked for events last.
 */
#include "test_support/net.h"

enum { ROUNDS = TEST_SANITIZED ? 10 : 50 };

static _Atomic bool over;
static bine_waitgroup hogs;

static void compute(void)
{
    while (!over)
        test_spin(1000);
    bine_waitgroup_done(&hogs);
}

static void block(int fd)
{
    char byte;
    CHECK_EQ(read(fd, &byte, 1), 0);
    bine_waitgroup_done(&hogs);
}

static int echo(int fd)
{
    char byte;
    while (bine_read(fd, &byte, 1) == 1)
        CHECK_EQ(bine_write(fd, &byte, 1), 1);
    return 0;
}

/* From a plain thread, by plain calls. */
static void check(bine_pool *pool)
{
    int ends[2];
    char byte = 'x';
    net_foreign_pair(ends);
    bine_future(int) server = bine_pool_async(pool, echo, ends[0]);
    CHECK(server);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(write(ends[1], &byte, 1), 1);
        CHECK_EQ(read(ends[1], &byte, 1), 1);
        if (i % 5 == 0)
            usleep(2000);
    }
    close(ends[1]);
    CHECK_EQ(bine_await(server), 0);
    CHECK_EQ(bine_close(ends[0]), 0);
}

int main(void)
{
    int workers = (int)bine_pool_workers(NULL), ends[2];
    bine_pool *other;
    CHECK_EQ(bine_pool_open(&other, &(bine_pool_options){.workers = 1}), 0);
    check(NULL);
    check(other);
    net_foreign_pipe(ends);
    bine_waitgroup_add(&hogs, workers);
    for (int i = 0; i < workers; i++)
        CHECK_EQ(bine_go(block, ends[0]), 0);
    check(NULL);
    check(other);
    close(ends[1]);
    CHECK_EQ(bine_waitgroup_wait(&hogs), 0);
    close(ends[0]);
    bine_waitgroup_add(&hogs, workers);
    for (int i = 0; i < workers; i++)
        CHECK_EQ(bine_go(compute), 0);
    check(NULL);
    check(other);
    over = true;
    CHECK_EQ(bine_waitgroup_wait(&hogs), 0);
    CHECK_EQ(bine_pool_close(other), 0);
    return 0;
}
