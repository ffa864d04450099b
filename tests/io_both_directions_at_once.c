/*
 * One task reads a connection while another writes it, both of much more than the kernel's buffers
 * hold, and all of it arrives, in order.
 */
#include "test_support/net.h"

enum { BYTES = TEST_SANITIZED ? 1 << 20 : 8 << 20, MOST = 50000 };

static bine_waitgroup group;

static char byte_at(size_t position)
{
    return (char)(position * 7 + position / 251);
}

static void send_all(int fd)
{
    char buffer[MOST];
    uint64_t state = (uint64_t)fd;
    for (size_t sent = 0; sent < BYTES;) {
        size_t size = 1 + test_random_below(&state, MOST - 1);
        if (size > BYTES - sent)
            size = BYTES - sent;
        for (size_t i = 0; i < size; i++)
            buffer[i] = byte_at(sent + i);
        ssize_t written = bine_write(fd, buffer, size);
        CHECK(written > 0 && (size_t)written <= size);
        sent += (size_t)written;
    }
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    bine_waitgroup_done(&group);
}

static void receive_all(int fd)
{
    char buffer[MOST];
    uint64_t state = (uint64_t)fd * 3;
    size_t received = 0;
    ssize_t got;
    while ((got = bine_read(fd, buffer, 1 + test_random_below(&state, MOST - 1))) > 0)
        for (ssize_t i = 0; i < got; i++)
            CHECK_EQ(buffer[i], byte_at(received++));
    CHECK_EQ(got, 0);
    CHECK_EQ(received, BYTES);
    bine_waitgroup_done(&group);
}

static void check(const int ends[2])
{
    bine_waitgroup_add(&group, 4);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(bine_go_with(BINE_OPTIONS(.stack_size = 200000), send_all, ends[i]), 0);
        CHECK_EQ(bine_go_with(BINE_OPTIONS(.stack_size = 200000), receive_all, ends[i]), 0);
    }
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    net_close(ends);
}

int main(void)
{
    int ends[2];
    net_pair(ends);
    check(ends);
    net_pair(ends);
    net_shrink(ends[0]);
    net_shrink(ends[1]);
    check(ends);
    net_foreign_pair(ends);
    check(ends);
    return 0;
}
