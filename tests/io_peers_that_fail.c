/*
 * Peers that reset the connection, end one direction only, or are gone before they are accepted:
 * who reads and writes finds out, and gets what came before.
 */
#include "test_support/net.h"
#include <poll.h>

static int read_some(int fd)
{
    char byte[8];
    return (int)bine_read(fd, byte, sizeof byte);
}

static int write_long(int fd)
{
    static char zeros[1 << 20];
    int error;
    while ((error = bine_write_full(fd, zeros, sizeof zeros)) == 0)
        ;
    return error;
}

static void reset_a_reader(void)
{
    int ends[2];
    net_pair(ends);
    bine_future(int) reader = bine_async(read_some, ends[0]);
    CHECK(reader);
    test_until_parked(1);
    net_reset(ends[1]);
    CHECK_EQ(bine_await(reader), -ECONNRESET);
    CHECK_EQ(bine_close(ends[0]), 0);
}

static void reset_a_writer(void)
{
    int ends[2];
    net_pair(ends);
    bine_future(int) writer = bine_async(write_long, ends[0]);
    CHECK(writer);
    test_until_parked(1);
    net_reset(ends[1]);
    int error = bine_await(writer);
    CHECK(error == -ECONNRESET || error == -EPIPE);
    CHECK_EQ(bine_write(ends[0], "x", 1), -EPIPE); /* and no signal */
    CHECK_EQ(bine_close(ends[0]), 0);
}

/* Data and the end of a stream come at once: the end is seen, too. */
static int end_behind_data(void)
{
    int ends[2];
    char byte[8];
    net_pair(ends);
    bine_future(int) reader = bine_async(read_some, ends[0]);
    CHECK(reader);
    bine_yield();
    CHECK_EQ(bine_write(ends[1], "last", 4), 4);
    CHECK_EQ(shutdown(ends[1], SHUT_WR), 0);
    CHECK_EQ(bine_await(reader), 4);
    CHECK_EQ(bine_read(ends[0], byte, 8), 0);
    CHECK_EQ(bine_read(ends[0], byte, 8), 0);
    /* The other direction goes on. */
    CHECK_EQ(bine_write(ends[0], "half", 4), 4);
    CHECK_EQ(bine_read(ends[1], byte, 8), 4);
    net_close(ends);
    return 0;
}

/* The end comes after a read that had it all, while nobody waits. */
static int end_later(void)
{
    int ends[2];
    char byte[8];
    net_pair(ends);
    bine_future(int) reader = bine_async(read_some, ends[0]);
    CHECK(reader);
    test_until_parked(1);
    CHECK_EQ(bine_write(ends[1], "data", 4), 4);
    CHECK_EQ(bine_await(reader), 4);
    CHECK_EQ(bine_close(ends[1]), 0);
    CHECK_EQ(bine_read(ends[0], byte, 8), 0);
    CHECK_EQ(bine_poll(ends[0], POLLIN), POLLIN);
    CHECK_EQ(bine_close(ends[0]), 0);
    return 0;
}

static int gone_before_accept(void)
{
    char address[64];
    int listener = net_listen(address), client = bine_dial(address);
    CHECK(client >= 0);
    net_reset(client);
    client = bine_dial(address);
    CHECK(client >= 0);
    int server = bine_accept(listener); /* the first one, dead, or the second */
    CHECK(server >= 0);
    CHECK_EQ(bine_close(server), 0);
    CHECK_EQ(bine_close(client), 0);
    CHECK_EQ(bine_close(listener), 0);
    return 0;
}

/* Urgent data stands in the way of a short read being all there is. */
static int read_past_urgent(void)
{
    int ends[2];
    char byte[8];
    net_pair(ends);
    bine_future(int) reader = bine_async(read_some, ends[0]);
    CHECK(reader);
    test_until_parked(1);
    CHECK_EQ(send(ends[1], "abU", 3, MSG_OOB), 3); /* U is urgent */
    CHECK_EQ(send(ends[1], "cd", 2, 0), 2);
    size_t got = (size_t)bine_await(reader);
    while (got < 4) {
        ssize_t more = bine_read(ends[0], byte, sizeof byte);
        CHECK(more > 0);
        got += (size_t)more;
    }
    CHECK_EQ(got, 4);
    net_close(ends);
    return 0;
}

int main(void)
{
    reset_a_reader();
    reset_a_writer();
    CHECK_EQ(bine_run(end_behind_data), 0);
    CHECK_EQ(bine_run(end_later), 0);
    CHECK_EQ(bine_run(gone_before_accept), 0);
    CHECK_EQ(bine_run(read_past_urgent), 0);
    CHECK_EQ(end_behind_data(), 0);
    CHECK_EQ(end_later(), 0);
    return 0;
}
