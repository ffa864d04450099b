/*
 * A destructor closes a pool whose tasks read from a descriptor. Workers of another pool, which stop
 * as the process ends, may be asking for events just then: they leave that to others.
 */
#include "test_support/child.h"
#include <bine/io.h>
#include <pthread.h>
#include <sys/socket.h>

enum { BYTES = 40, CHILDREN = 8 };

static bine_pool *stopping, *reading;
static bine_sem bytes;
static int ends[2];
static pthread_t writer;
static _Atomic int count; /* bytes read */

static void take_bytes(void)
{
    while (bine_sem_acquire(&bytes, 1) == 0)
        ;
}

static void read_bytes(void)
{
    char byte;
    while (count < BYTES && bine_read(ends[0], &byte, 1) == 1) {
        count++;
        bine_sem_release(&bytes, 1); /* wakes a worker of the other pool */
    }
}

/* Byte by byte, so that the reader waits for each. */
static void *write_bytes(void *unused)
{
    const struct timespec pause = {0, 3000000};
    for (int i = 0; i < BYTES; i++) {
        nanosleep(&pause, NULL);
        CHECK_EQ(send(ends[1], "x", 1, 0), 1);
    }
    return unused;
}

static void close_pool(void)
{
    CHECK_EQ(bine_pool_close(reading), 0);
    CHECK_EQ(count, BYTES);
    CHECK_EQ(pthread_join(writer, NULL), 0);
    dprintf(2, "closed");
}

static int run_child(void)
{
    atexit(close_pool);
    bine_sem_init(&bytes, 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    CHECK_EQ(bine_pool_open(&stopping, NULL), 0);
    CHECK_EQ(bine_pool_open(&reading, &(bine_pool_options){.workers = 1}), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_pool_go(stopping, take_bytes), 0);
    CHECK_EQ(bine_pool_go(reading, read_bytes), 0);
    CHECK_EQ(pthread_create(&writer, NULL, write_bytes, NULL), 0);
    EVENTUALLY(count > 5);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return run_child();
    for (int i = 0; i < CHILDREN; i++) {
        struct child *child = child_run("child");
        if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != 0 ||
            strcmp(child->said, "closed") != 0) {
            child_show(child);
            CHECK(!"the child did not end as it should");
        }
    }
    return 0;
}
