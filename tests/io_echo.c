/*
 * Many connections at once echo what they are sent, whole and in order, over TCP of both versions
 * and over Unix sockets; at the end of a stream the server sees it and closes.
 */
#include "test_support/scratch.h"
#include <bine.h>

enum { CLIENTS = TEST_SANITIZED ? 20 : 100, ROUNDS = TEST_SANITIZED ? 10 : 50, MOST = 20000 };

static bine_waitgroup servers, clients;
static _Atomic int served;

static void serve(int fd)
{
    char buffer[4096];
    ssize_t got;
    while ((got = bine_read(fd, buffer, sizeof buffer)) > 0)
        CHECK_EQ(bine_write_full(fd, buffer, (size_t)got), 0);
    CHECK_EQ(got, 0);
    CHECK_EQ(bine_close(fd), 0);
    served++;
    bine_waitgroup_done(&servers);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = bine_accept(listener)) >= 0) {
        bine_waitgroup_add(&servers, 1);
        CHECK_EQ(bine_go(serve, fd), 0);
    }
    CHECK_EQ(fd, -EBADF);
    bine_waitgroup_done(&servers);
}

static void ask(const char *address, int number)
{
    uint64_t state = (uint64_t)number;
    char *sent = malloc(MOST), *got = malloc(MOST);
    int fd = bine_dial(address);
    CHECK(fd >= 0 && sent && got);
    for (int round = 0; round < ROUNDS; round++) {
        size_t size = 1 + test_random_below(&state, round % 10 ? 500 : MOST);
        for (size_t i = 0; i < size; i++)
            sent[i] = (char)test_random(&state);
        CHECK_EQ(bine_write_full(fd, sent, size), 0);
        CHECK_EQ(bine_read_full(fd, got, size), size);
        CHECK(memcmp(sent, got, size) == 0);
    }
    CHECK_EQ(bine_close(fd), 0);
    free(sent);
    free(got);
    bine_waitgroup_done(&clients);
}

static void check_over(const char *where)
{
    char address[128];
    int listener = bine_listen(where, 128);
    if (listener == -EADDRNOTAVAIL || listener == -EAFNOSUPPORT)
        return; /* a machine without version 6 */
    CHECK(listener >= 0);
    served = 0;
    CHECK_EQ(bine_local_address(listener, address, sizeof address), 0);
    bine_waitgroup_add(&servers, 1);
    CHECK_EQ(bine_go(accept_all, listener), 0);
    bine_waitgroup_add(&clients, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        CHECK_EQ(bine_go(ask, address, i), 0);
    CHECK_EQ(bine_waitgroup_wait(&clients), 0);
    CHECK_EQ(bine_close(listener), 0);
    CHECK_EQ(bine_waitgroup_wait(&servers), 0);
    CHECK_EQ(served, CLIENTS);
}

int main(void)
{
    char path[80];
    scratch_make();
    scratch_path(path, "unix:", "socket");
    check_over("127.0.0.1:0");
    check_over("[::1]:0");
    check_over(path);
    scratch_remove(); /* closing has removed the socket's file */
    return 0;
}
