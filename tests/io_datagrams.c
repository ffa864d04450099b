/*
 * Datagrams keep their borders and their senders' addresses, a dialled UDP socket talks to one peer
 * and hears that nobody is there, and several tasks that receive on one socket get one each.
 */
#include "test_support/net.h"
#include <netinet/in.h>

enum { ROUNDS = 200, RECEIVERS = 8 };

static bine_waitgroup group;
static _Atomic int sum;

static void receive(int fd, struct sockaddr_in *from, char *data, size_t size, ssize_t expected)
{
    struct iovec iov = {data, size};
    struct msghdr message = {
        .msg_name = from, .msg_namelen = sizeof *from, .msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(bine_recvmsg(fd, &message, 0), expected);
}

static void answer(int fd, struct sockaddr_in *to, char *data, size_t size)
{
    struct iovec iov = {data, size};
    struct msghdr message = {
        .msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(bine_sendmsg(fd, &message, 0), (ssize_t)size);
}

static void serve(int fd)
{
    char data[2000];
    struct sockaddr_in from;
    for (int i = 0; i < ROUNDS; i++) {
        receive(fd, &from, data, sizeof data, 1 + i * 7);
        answer(fd, &from, data, (size_t)(1 + i * 7));
    }
    bine_waitgroup_done(&group);
}

static int ask(const char *address)
{
    char data[2000] = {0}, got[2000], dial_at[80];
    snprintf(dial_at, sizeof dial_at, "udp:%s", address);
    int fd = bine_dial(dial_at);
    CHECK(fd >= 0);
    for (int i = 0; i < ROUNDS; i++) {
        data[0] = (char)i;
        CHECK_EQ(bine_write(fd, data, (size_t)(1 + i * 7)), 1 + i * 7);
        CHECK_EQ(bine_read(fd, got, sizeof got), 1 + i * 7);
        CHECK_EQ(got[0], (char)i);
    }
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static void receive_one(int fd)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    sum += byte;
    bine_waitgroup_done(&group);
}

static void check_many(const char *address, int fd)
{
    char dial_at[80];
    snprintf(dial_at, sizeof dial_at, "udp:%s", address);
    bine_waitgroup_add(&group, RECEIVERS);
    for (int i = 0; i < RECEIVERS; i++)
        CHECK_EQ(bine_go(receive_one, fd), 0);
    test_until_parked(RECEIVERS);
    int client = bine_dial(dial_at);
    for (char i = 1; i <= RECEIVERS; i++)
        CHECK_EQ(bine_write(client, &i, 1), 1);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    CHECK_EQ(sum, RECEIVERS * (RECEIVERS + 1) / 2);
    CHECK_EQ(bine_close(client), 0);
}

static int hear_nobody(const char *address)
{
    char dial_at[80], byte = 0;
    snprintf(dial_at, sizeof dial_at, "udp:%s", address);
    int fd = bine_dial(dial_at);
    CHECK(fd >= 0);
    CHECK_EQ(bine_write(fd, &byte, 1), 1);
    CHECK_EQ(bine_read(fd, &byte, 1), -ECONNREFUSED);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

int main(void)
{
    char address[64];
    int fd = bine_udp("127.0.0.1:0");
    CHECK(fd >= 0);
    CHECK_EQ(bine_local_address(fd, address, sizeof address), 0);
    bine_waitgroup_add(&group, 1);
    CHECK_EQ(bine_go(serve, fd), 0);
    CHECK_EQ(bine_run(ask, address), 0);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
    check_many(address, fd);
    CHECK_EQ(bine_close(fd), 0);
    CHECK_EQ(bine_run(hear_nobody, address), 0);
    return 0;
}
