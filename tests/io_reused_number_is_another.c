/*
 * A reader that was told of data, and has not come to read it when its descriptor is closed and the
 * number used again, gets -EBADF and nothing of the new one's data. Nor does a newcomer overtake a
 * reader that was told and has not run. A serial pool whose one worker is kept busy holds the
 * reader at that point.
 */
/* test: workers=2 */
#include "test_support/net.h"

enum { ROUNDS = TEST_SANITIZED ? 5 : 30 };

static bine_pool *pool;
static _Atomic bool hogged, let_go;

static void hog(void)
{
    hogged = true;
    while (!let_go)
        test_spin(100);
}

static int read_word(int fd)
{
    char word[4];
    ssize_t got = bine_read(fd, word, 4);
    return got < 0 ? (int)got : word[0];
}

static unsigned parked(void)
{
    bine_stats stats;
    bine_stats_get(&stats, sizeof stats);
    return (unsigned)stats.parked_tasks;
}

/* A reader in the pool that was told of "aaaa" and cannot run yet. */
static bine_future(int) hold_reader(const int ends[2])
{
    bine_future(int) reader = bine_pool_async(pool, read_word, ends[0]);
    CHECK(reader);
    test_until_parked(1);
    hogged = let_go = false;
    CHECK_EQ(bine_pool_go(pool, hog), 0);
    EVENTUALLY(hogged);
    CHECK_EQ(send(ends[1], "aaaa", 4, 0), 4);
    EVENTUALLY(parked() == 0);
    return reader;
}

static void reuse_number(void)
{
    int ends[2], others[2];
    char word[4];
    net_foreign_pair(ends);
    bine_future(int) reader = hold_reader(ends);
    CHECK_EQ(bine_close(ends[0]), 0);
    net_foreign_pair(others);
    CHECK_EQ(others[0], ends[0]); /* the lowest that is free */
    CHECK_EQ(send(others[1], "bbbb", 4, 0), 4);
    let_go = true;
    CHECK_EQ(bine_await(reader), -EBADF);
    CHECK_EQ(bine_read(others[0], word, 4), 4);
    CHECK_EQ(word[0], 'b');
    CHECK_EQ(bine_close(ends[1]), 0);
    net_close(others);
}

static void *read_in_thread(void *fd)
{
    return (void *)(intptr_t)read_word((int)(intptr_t)fd);
}

static void overtake(void)
{
    int ends[2];
    void *word;
    net_foreign_pair(ends);
    bine_future(int) reader = hold_reader(ends);
    pthread_t newcomer = test_thread(read_in_thread, (void *)(intptr_t)ends[0]);
    usleep(2000); /* for it to take what is not its own */
    let_go = true;
    CHECK_EQ(bine_await(reader), 'a');
    CHECK_EQ(send(ends[1], "cccc", 4, 0), 4);
    CHECK_EQ(pthread_join(newcomer, &word), 0);
    CHECK_EQ((intptr_t)word, 'c');
    net_close(ends);
}

int main(void)
{
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.serial = true}), 0);
    for (int i = 0; i < ROUNDS; i++) {
        reuse_number();
        overtake();
    }
    CHECK_EQ(bine_pool_close(pool), 0);
    return 0;
}
