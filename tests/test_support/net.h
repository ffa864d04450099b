/* Connections and pipes for tests of input and output. */
#ifndef BINE_TEST_NET_H
#define BINE_TEST_NET_H

#include "../test.h"
#include <bine/io.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A listener on a free port of the loopback, and its address. */
static inline int net_listen(char address[64])
{
    int listener = bine_listen("127.0.0.1:0", 128);
    CHECK(listener >= 0);
    CHECK_EQ(bine_local_address(listener, address, 64), 0);
    return listener;
}

/* The two ends of a TCP connection, both opened by bine. */
static inline void net_pair(int ends[2])
{
    char address[64];
    int listener = net_listen(address);
    ends[0] = bine_dial(address);
    CHECK(ends[0] >= 0);
    ends[1] = bine_accept(listener);
    CHECK(ends[1] >= 0);
    CHECK_EQ(bine_close(listener), 0);
}

static inline void net_close(const int ends[2])
{
    CHECK_EQ(bine_close(ends[0]), 0);
    CHECK_EQ(bine_close(ends[1]), 0);
}

/* Two ends that the program opened, blocking. */
static inline void net_foreign_pair(int ends[2])
{
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static inline void net_foreign_pipe(int ends[2])
{
    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
}

/* Makes the receive and send buffers small; smaller ones keep TCP waiting for its own timers. */
static inline void net_shrink(int fd)
{
    int small = 65536;
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
}

/* Ends the connection with a reset. */
static inline void net_reset(int fd)
{
    struct linger at_once = {1, 0};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    CHECK_EQ(bine_close(fd), 0);
}

/* Something that TCP has sent is not acknowledged yet: when it is, there is room for more. */
static inline bool net_is_under_way(int fd)
{
    int unacknowledged = 0, unsent = 0;
    return ioctl(fd, SIOCOUTQ, &unacknowledged) == 0 && ioctl(fd, SIOCOUTQNSD, &unsent) == 0 &&
           unacknowledged > unsent;
}

/* Writes until the other side, who does not read, has no room left, nor will have. Then a write would
 * wait. */
static inline size_t net_fill(int fd)
{
    static char zeros[65536];
    size_t filled = 0, before;
    ssize_t sent;
    do {
        before = filled;
        while ((sent = send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            filled += (size_t)sent;
        CHECK(errno == EAGAIN);
        EVENTUALLY(!net_is_under_way(fd));
    } while (filled > before);
    return filled;
}

#endif
