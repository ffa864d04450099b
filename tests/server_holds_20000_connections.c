/* test: timeout=300 alone
 *
 * A server holds 20,000 connections at once, a task for each, and answers on every one. Fewer where
 * the process may not have as many descriptors. The clients are a process of their own.
 */
#include "test.h"
#include <arpa/inet.h>
#include <bine/io.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
    WANTED = 20000,
    OTHERS = 600, /* descriptors; up to 512 spare workers have one each */
    PER_SOURCE = 5000
};

static _Atomic int open_now, most, ended;

static void echo(int fd)
{
    char byte;
    int now = ++open_now, before = most;
    while (before < now && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    while (bine_read(fd, &byte, 1) == 1)
        CHECK_EQ(bine_write_full(fd, &byte, 1), 0);
    CHECK_EQ(bine_close(fd), 0);
    open_now--;
    ended++;
}

static void serve(int listener, int count)
{
    for (int i = 0; i < count; i++) {
        int fd = bine_accept(listener);
        CHECK(fd >= 0);
        CHECK_EQ(bine_go(echo, fd), 0);
    }
}

/* How many connections a process can have here. */
static int raise_limit(void)
{
    struct rlimit limit = {WANTED + OTHERS, WANTED + OTHERS};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = limit.rlim_max;
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    int count = limit.rlim_cur < WANTED + OTHERS ? (int)limit.rlim_cur - OTHERS : WANTED;
    return test_scaled(count);
}

static int dial(int port, int index)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    from.sin_addr.s_addr = htonl(0x7f000101u + (unsigned)(index / PER_SOURCE));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        _exit(2);
    return fd;
}

/* In the other process: opens all, and asks on each while all are open. */
static void be_clients(int port, int count)
{
    int *fds = calloc((size_t)count, sizeof *fds);
    alarm(200);
    for (int i = 0; i < count; i++)
        fds[i] = dial(port, i);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < count; i++) {
            char byte = (char)(i + round), got = (char)~byte;
            if (send(fds[i], &byte, 1, MSG_NOSIGNAL) != 1 || recv(fds[i], &got, 1, 0) != 1 ||
                got != byte)
                _exit(3);
        }
    _exit(0);
}

int main(void)
{
    int count = raise_limit(), status;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(listener >= 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&address, size), 0);
    CHECK_EQ(listen(listener, 4096), 0);
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    pid_t pid = fork(); /* before bine is used, so that the child is only a client */
    CHECK(pid >= 0);
    if (pid == 0)
        be_clients(ntohs(address.sin_port), count);
    bine_future(void) server = bine_async(serve, listener, count);
    CHECK(server);
    bine_await(server);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    EVENTUALLY(ended == count);
    CHECK_EQ(most, count);
    CHECK_EQ(open_now, 0);
    CHECK_EQ(bine_close(listener), 0);
    if (count < test_scaled(WANTED))
        printf("only %d connections: the limit of descriptors\n", count);
    return 0;
}
