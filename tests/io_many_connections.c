/*
 * 20,000 connections at once (or as many as the limit of descriptors lets be), each with a task of
 * its own that waits, are all served, and cost little memory each while they wait. The clients are
 * another process.
 */
/* test: workers=1,2 alone plain */
#include "test_support/child.h"
#include "test_support/net.h"
#include "test_support/process.h"
#include <netinet/in.h>

enum {
    CONNECTIONS = 20000,
    OTHERS = 600, /* up to 512 spare workers have one each */
    SHARED = 20,  /* what bine, the test and its runner have open beside */
    EACH_BYTES = 6000
};

static bine_waitgroup served;
static int connections = CONNECTIONS;

static void serve(int fd)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    CHECK_EQ(bine_write(fd, &byte, 1), 1);
    CHECK_EQ(bine_read(fd, &byte, 1), 0);
    CHECK_EQ(bine_close(fd), 0);
    bine_waitgroup_done(&served);
}

static void accept_all(int listener)
{
    for (int i = 0; i < connections; i++) {
        int fd = bine_accept(listener);
        CHECK_EQ(fd < 0 ? fd : 0, 0);
        CHECK_EQ(bine_go(serve, fd), 0);
    }
    bine_waitgroup_done(&served);
}

static long resident_bytes(void)
{
    return process_read_kib("/proc/self/status", "VmRSS") * 1024;
}

static int dial_from(unsigned host, int port)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    from.sin_addr.s_addr = htonl(host);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((in_port_t)port);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    CHECK_EQ(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The clients' process. Each host of the loopback has ports of its own. */
__attribute__((noreturn)) static void be_clients(int port, int go)
{
    static int fds[CONNECTIONS];
    char byte;
    test_start_watchdog();
    for (int i = 0; i < connections; i++)
        fds[i] = dial_from(0x7f000101u + (unsigned)i / 5000, port);
    CHECK_EQ(read(go, &byte, 1), 0); /* the server has measured */
    for (int i = 0; i < connections; i++)
        CHECK_EQ(write(fds[i], "x", 1), 1);
    for (int i = 0; i < connections; i++) {
        CHECK_EQ(read(fds[i], &byte, 1), 1);
        close(fds[i]);
    }
    _exit(0);
}

static void raise_limit(void)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < CONNECTIONS / 10)
        test_skip("not allowed enough descriptors");
    if (limit.rlim_cur < CONNECTIONS + OTHERS)
        connections = (int)limit.rlim_cur - OTHERS;
}

int main(void)
{
    char address[64];
    int go[2];
    raise_limit();
    int listener = bine_listen("127.0.0.1:0", 4096);
    CHECK(listener >= 0);
    CHECK_EQ(bine_local_address(listener, address, sizeof address), 0);
    net_foreign_pipe(go);
    pid_t clients = fork();
    if (clients == 0) {
        close(go[1]);
        be_clients(atoi(strrchr(address, ':') + 1), go[0]);
    }
    bine_waitgroup_add(&served, connections + 1);
    long before = resident_bytes();
    CHECK_EQ(bine_go(accept_all, listener), 0);
    test_until_parked((unsigned)connections);
    long each = (resident_bytes() - before) / connections;
    printf("%d connections, %ld bytes each\n", connections, each);
    CHECK(each < EACH_BYTES);
    /* A worker has one, which closes with its thread. */
    EVENTUALLY(process_descriptors() < connections + process_threads() + SHARED);
    close(go[1]);
    CHECK_EQ(bine_waitgroup_wait(&served), 0);
    child_join(clients);
    CHECK_EQ(bine_close(listener), 0);
    return 0;
}
