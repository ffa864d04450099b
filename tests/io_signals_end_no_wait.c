/*
 * A handler that runs on a thread which waits for a descriptor ends no wait, though it was
 * installed without SA_RESTART: there is no -EINTR.
 */
#include "test_support/net.h"
#include <poll.h>

enum { SIGNALS = 20 };

static int fd;
static _Atomic int handled;

static void count(int number)
{
    (void)number;
    handled++;
}

static void *read_byte(void *unused)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    return unused;
}

static void *poll_in(void *unused)
{
    CHECK_EQ(bine_poll(fd, POLLIN), POLLIN);
    return unused;
}

static void *accept_one(void *unused)
{
    int accepted = bine_accept(fd);
    CHECK(accepted >= 0);
    CHECK_EQ(bine_close(accepted), 0);
    return unused;
}

static pthread_t wait_through_signals(void *(*wait)(void *))
{
    pthread_t thread = test_thread(wait, NULL);
    handled = 0;
    for (int i = 0; i < SIGNALS; i++) {
        usleep(500); /* it may wait by then */
        CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
        /* The thread sanitizer keeps it back until the wait has ended. */
        EVENTUALLY(TEST_THREAD_SANITIZED || handled == i + 1);
    }
    return thread;
}

int main(void)
{
    struct sigaction action = {.sa_handler = count};
    char address[64];
    int ends[2];
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    net_pair(ends);
    fd = ends[0];
    pthread_t poller = wait_through_signals(poll_in);
    pthread_t reader = wait_through_signals(read_byte);
    CHECK_EQ(send(ends[1], "x", 1, 0), 1);
    test_join(reader);
    CHECK_EQ(send(ends[1], "x", 1, 0), 1); /* the reader may have taken the other one first */
    test_join(poller);
    net_close(ends);

    fd = net_listen(address);
    pthread_t acceptor = wait_through_signals(accept_one);
    int client = bine_dial(address);
    CHECK(client >= 0);
    test_join(acceptor);
    CHECK_EQ(bine_close(client), 0);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}
