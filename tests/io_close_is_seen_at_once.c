/*
 * When bine_close() has returned, the other side sees it: nothing keeps open what a task has waited
 * for, though other workers compute or more events come at the same time.
 */
#include "test_support/net.h"
#include <netinet/in.h>

enum { ROUNDS = TEST_SANITIZED ? 40 : 100 };

static _Atomic bool over;

static void compute(void)
{
    while (!over)
        test_spin(1000);
}

static int read_some(int fd)
{
    char bytes[16];
    return (int)bine_read(fd, bytes, sizeof bytes);
}

/* By a plain call, which does not wait. A reset: it was closed with data unread. */
static void check_seen(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    CHECK(got == 0 || (got == -1 && errno == ECONNRESET));
}

static void check_pair(int round)
{
    int ends[2];
    net_foreign_pair(ends);
    bine_future(int) reader = bine_async(read_some, ends[0]);
    CHECK(reader);
    test_until_parked(1); /* one that came later could find another descriptor of that number */
    for (int i = 0; i < round % 3; i++)
        CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(bine_close(ends[0]), 0);
    bine_await(reader); /* it may have been inside a call, and the last to leave */
    check_seen(ends[1]);
    CHECK_EQ(close(ends[1]), 0);
}

static int accept_one(int listener)
{
    return bine_accept(listener);
}

static void check_listener(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char text[64];
    int listener = net_listen(text);
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    bine_future(int) acceptor = bine_async(accept_one, listener);
    CHECK(acceptor);
    test_until_parked(1);
    CHECK_EQ(bine_close(listener), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&address, size) == -1 && errno == ECONNREFUSED);
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(bine_await(acceptor), -EBADF);
}

static void check_all(void)
{
    for (int i = 0; i < ROUNDS; i++)
        check_pair(i);
    for (int i = 0; i < ROUNDS / 10; i++)
        check_listener();
}

int main(void)
{
    check_all();
    for (unsigned i = 1; i < bine_pool_workers(NULL); i++)
        CHECK_EQ(bine_go(compute), 0);
    check_all();
    over = true;
    CHECK_EQ(bine_pool_wait(NULL), 0);
    return 0;
}
