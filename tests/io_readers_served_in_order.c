/*
 * Tasks and plain threads that read one descriptor are served in the order in which they came, and
 * none is forgotten where several portions come as one event.
 */
#include "test_support/net.h"
#include "test_support/process.h"

enum { READERS = 40, PORTION = 8 };

static int fd;
static bine_waitgroup readers;
static _Atomic int standing, reader_tid;

static void read_portion(int number)
{
    char portion[PORTION];
    standing++;
    CHECK_EQ(bine_read(fd, portion, PORTION), PORTION);
    CHECK_EQ(portion[0], number);
    bine_waitgroup_done(&readers);
}

static void *read_in_thread(void *number)
{
    reader_tid = gettid();
    read_portion((int)(intptr_t)number);
    return NULL;
}

/* Starts them one after the other, each once the one before stands in line. */
static void line_up(pthread_t *thread)
{
    standing = 0;
    bine_waitgroup_add(&readers, READERS);
    for (int i = 0; i < READERS; i++) {
        if (i == READERS / 2)
            *thread = test_thread(read_in_thread, (void *)(intptr_t)i);
        else
            CHECK_EQ(bine_go(read_portion, i), 0);
        EVENTUALLY(standing == i + 1);
        if (i == READERS / 2)
            EVENTUALLY(process_thread_sleeps(reader_tid));
        else
            test_until_parked((unsigned)(i < READERS / 2 ? i + 1 : i));
    }
}

static void feed(int peer, int at_once)
{
    char portions[READERS * PORTION];
    for (int i = 0; i < READERS; i++)
        memset(portions + i * PORTION, i, PORTION);
    for (int i = 0; i < READERS; i += at_once) {
        int count = READERS - i < at_once ? READERS - i : at_once;
        CHECK_EQ(bine_write_full(peer, portions + i * PORTION, (size_t)count * PORTION), 0);
    }
}

static void check(int number, int peer, int at_once)
{
    pthread_t thread;
    fd = number;
    line_up(&thread);
    feed(peer, at_once);
    CHECK_EQ(bine_waitgroup_wait(&readers), 0);
    test_join(thread);
}

int main(void)
{
    int ends[2];
    net_pair(ends);
    check(ends[0], ends[1], 1);
    check(ends[0], ends[1], 7);
    check(ends[0], ends[1], READERS);
    net_close(ends);
    net_foreign_pipe(ends);
    check(ends[0], ends[1], READERS);
    net_close(ends);
    return 0;
}
