/*
 * Closing a descriptor ends what tasks and plain threads wait for on it, in either direction, with
 * -EBADF, and so does every later call on the number.
 */
#include "test_support/crowd.h"
#include "test_support/net.h"
#include <poll.h>

enum { WAITERS = 6, LOWER = 64 };

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

/* Whatever else is opened, such as a spare worker's own, is to get lower numbers than ours, so that
 * those are nobody's once they are closed. */
static void take_lower_numbers(int lower[LOWER])
{
    for (int i = 0; i < LOWER; i++)
        CHECK((lower[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
}

static void give_lower_numbers(const int lower[LOWER])
{
    for (int i = 0; i < LOWER; i++)
        close(lower[i]);
}

int main(void)
{
    int ends[2], lower[LOWER];
    char address[64];
    for (int which = 0; which < ACCEPT; which++) {
        take_lower_numbers(lower);
        net_pair(ends);
        give_lower_numbers(lower);
        check(which, ends[0], ends[1]);
        take_lower_numbers(lower);
        net_foreign_pair(ends);
        give_lower_numbers(lower);
        check(which, ends[0], ends[1]);
    }
    take_lower_numbers(lower);
    int listener = net_listen(address);
    give_lower_numbers(lower);
    check(ACCEPT, listener, -1);
    return 0;
}
