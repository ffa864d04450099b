/*
 * Closing a descriptor ends what tasks and plain threads wait for on it, in either direction, with
 * -EBADF, and so does every later call on the number.
 */
#include "test_support/crowd.h"
#include "test_support/net.h"
#include <poll.h>

enum { WAITERS = 6 };

enum kind { READ, WRITE, POLL_IN_ONLY, POLL_BOTH, ACCEPT, KINDS };

static int fd, kind;
static _Atomic int ended;

static ssize_t wait_on(int which)
{
    char byte[1] = {0};
    switch (which) {
    case READ:
        return bine_read(fd, byte, 1);
    case WRITE:
        return bine_write(fd, byte, 1);
    case POLL_IN_ONLY:
        return bine_poll(fd, POLLIN);
    case POLL_BOTH:
        return bine_poll(fd, POLLIN | POLLOUT);
    default:
        return bine_accept(fd);
    }
}

static void wait_for_end(int unused)
{
    (void)unused;
    CHECK_EQ(wait_on(kind), -EBADF);
    ended++;
}

static void check(int which, int number, int peer)
{
    fd = number;
    kind = which;
    ended = 0;
    if (which != ACCEPT)
        net_fill(fd);
    crowd_start_mixed(wait_for_end, WAITERS);
    test_until_parked(WAITERS - WAITERS / 4);
    CHECK_EQ(ended, 0);
    CHECK_EQ(bine_close(fd), 0);
    crowd_join();
    CHECK_EQ(ended, WAITERS);
    CHECK_EQ(wait_on(which), -EBADF);
    CHECK_EQ(bine_close(fd), -EBADF);
    if (peer >= 0)
        CHECK_EQ(bine_close(peer), 0);
}

int main(void)
{
    int ends[2];
    char address[64];
    for (int which = 0; which < ACCEPT; which++) {
        net_pair(ends);
        check(which, ends[0], ends[1]);
        net_foreign_pair(ends);
        check(which, ends[0], ends[1]);
    }
    check(ACCEPT, net_listen(address), -1);
    return 0;
}
