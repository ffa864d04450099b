/*
 * With MSG_WAITALL a stream is received until all parts of the message are full, its end comes or
 * the caller is cancelled, and what has come by then is not lost; nor is the error that ends it. On
 * datagrams it changes nothing.
 */
#include "test_support/net.h"

enum { FIRST = 3, SECOND = 5, ALL = FIRST + SECOND };

static char bytes[ALL + 1];

static ssize_t receive(int fd, int flags)
{
    struct iovec parts[] = {{bytes, FIRST}, {NULL, 0}, {bytes + FIRST, SECOND}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    memset(bytes, 0, sizeof bytes);
    return bine_recvmsg(fd, &message, flags);
}

static int receive_all(int fd)
{
    return (int)receive(fd, MSG_WAITALL);
}

static int receive_until_cancelled(int fd)
{
    CHECK_EQ(receive(fd, MSG_WAITALL), 4);
    CHECK_EQ(receive(fd, MSG_WAITALL), -ECANCELED);
    return 4;
}

/* The task has taken what was sent. */
static bool is_taken(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

static void send_text(const int ends[2], const char *text)
{
    size_t size = strlen(text);
    CHECK_EQ(send(ends[1], text, size, 0), (ssize_t)size);
}

static void check_in_pieces(const int ends[2])
{
    bine_future(int) receiver = bine_async(receive_all, ends[0]);
    CHECK(receiver);
    send_text(ends, "ab");
    EVENTUALLY(is_taken(ends[0]));
    send_text(ends, "cdef");
    EVENTUALLY(is_taken(ends[0]));
    send_text(ends, "ghIJ");
    CHECK_EQ(bine_await(receiver), ALL);
    CHECK(strcmp(bytes, "abcdefgh") == 0);
    CHECK_EQ(receive(ends[0], MSG_WAITALL | MSG_DONTWAIT), 2);
    CHECK(strcmp(bytes, "IJ") == 0);
}

static void check_cancelled(const int ends[2])
{
    bine_future(int) receiver = bine_async(receive_until_cancelled, ends[0]);
    CHECK(receiver);
    send_text(ends, "abcd");
    EVENTUALLY(is_taken(ends[0]));
    bine_cancel(receiver);
    CHECK_EQ(bine_await(receiver), 4);
}

static void check_end(const int ends[2])
{
    bine_future(int) receiver = bine_async(receive_all, ends[0]);
    CHECK(receiver);
    send_text(ends, "abcd");
    EVENTUALLY(is_taken(ends[0]));
    CHECK_EQ(shutdown(ends[1], SHUT_WR), 0);
    CHECK_EQ(bine_await(receiver), 4);
    CHECK(strcmp(bytes, "abcd") == 0);
    CHECK_EQ(receive_all(ends[0]), 0);
}

/* What ended the call is told by the next one. */
static void check_reset(void)
{
    int ends[2];
    net_pair(ends);
    bine_future(int) receiver = bine_async(receive_all, ends[0]);
    CHECK(receiver);
    send_text(ends, "abcd");
    EVENTUALLY(is_taken(ends[0]));
    net_reset(ends[1]);
    CHECK_EQ(bine_await(receiver), 4);
    CHECK_EQ(receive_all(ends[0]), -ECONNRESET);
    CHECK_EQ(bine_close(ends[0]), 0);
}

static void check_datagram(void)
{
    int ends[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    send_text(ends, "ab");
    CHECK_EQ(bine_run(receive_all, ends[0]), 2);
    net_close(ends);
}

int main(void)
{
    int ends[2];
    net_pair(ends);
    for (int i = 0; i < 2; i++) {
        check_in_pieces(ends);
        check_cancelled(ends);
        check_end(ends);
        net_close(ends);
        net_foreign_pair(ends);
    }
    net_close(ends);
    check_reset();
    check_datagram();
    return 0;
}
