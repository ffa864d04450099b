/*
 * A cancellation or a deadline around the caller ends every wait for a descriptor, and what was not
 * read stays there for others. A caller that is cancelled fails at once, even where nothing would
 * have to be waited for, but a wrong argument is told first.
 */
#include "test_support/net.h"
#include "test_support/scratch.h"
#include <bine/scope.h>
#include <poll.h>

enum { SHORT_NS = 2000000 };

enum kind { READ, WRITE, POLL, ACCEPT, DIAL, KINDS };

static int fd;
static char full_path[80];

static ssize_t wait_on(int kind)
{
    char byte[1] = {0};
    switch (kind) {
    case READ:
        return bine_read(fd, byte, 1);
    case WRITE:
        return bine_write(fd, byte, 1);
    case POLL:
        return bine_poll(fd, POLLIN);
    case ACCEPT:
        return bine_accept(fd);
    default:
        return bine_dial(full_path);
    }
}

static int wait_for_cancel(int kind)
{
    CHECK_EQ(wait_on(kind), -ECANCELED);
    CHECK_EQ(wait_on(kind), -ECANCELED);
    CHECK_EQ(bine_read(-1, NULL, 1), -EBADF);
    CHECK_EQ(bine_poll(fd, 0), -EINVAL);
    return 0;
}

static int wait_for_deadline(int kind)
{
    bine_time deadline = bine_after(SHORT_NS);
    BINE_UNTIL (deadline) {
        CHECK_EQ(wait_on(kind), -ETIMEDOUT);
        CHECK(bine_now() >= deadline);
        CHECK_EQ(wait_on(kind), -ETIMEDOUT);
    }
    return 0;
}

static void check(int kind, int number)
{
    fd = number;
    bine_future(int) waiter = bine_async(wait_for_cancel, kind);
    CHECK(waiter);
    test_until_parked(1);
    bine_cancel(waiter);
    CHECK_EQ(bine_await(waiter), 0);
    CHECK_EQ(bine_run(wait_for_deadline, kind), 0);
}

/* A listener that nobody accepts from, with its queue full. */
static int listen_full(int dialled[2])
{
    scratch_path(full_path, "unix:", "full");
    int listener = bine_listen(full_path, 1);
    CHECK(listener >= 0);
    for (int i = 0; i < 2; i++)
        CHECK((dialled[i] = bine_dial(full_path)) >= 0);
    return listener;
}

int main(void)
{
    int ends[2], dialled[2];
    char address[64], byte[2];
    net_pair(ends);
    check(READ, ends[0]);
    check(POLL, ends[0]);
    CHECK_EQ(bine_write(ends[1], "x", 1), 1);
    CHECK_EQ(bine_read(ends[0], byte, 2), 1);
    net_fill(ends[0]);
    check(WRITE, ends[0]);
    net_close(ends);

    int listener = net_listen(address);
    check(ACCEPT, listener);
    CHECK_EQ(bine_close(listener), 0);

    scratch_make();
    listener = listen_full(dialled);
    check(DIAL, -1);
    net_close(dialled);
    CHECK_EQ(bine_close(listener), 0);
    scratch_remove();
    return 0;
}
