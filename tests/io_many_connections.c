/*
 * 20,000 connections at once, each with a task of its own that waits, are all served, and cost
 * little memory each while they wait.
 */
/* test: workers=1,2 alone plain */
#include "test_support/process.h"
#include "test_support/net.h"
#include <netinet/in.h>
#include <sys/resource.h>

enum { CONNECTIONS = 20000, DESCRIPTORS = 2 * CONNECTIONS + 200, EACH_BYTES = 9000 };

static bine_waitgroup served;
static int clients[CONNECTIONS];

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
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = bine_accept(listener);
        CHECK(fd >= 0);
        CHECK_EQ(bine_go(serve, fd), 0);
    }
    bine_waitgroup_done(&served);
}

static long resident_bytes(void)
{
    return process_read_kib("/proc/self/status", "VmRSS") * 1024;
}

/* All clients from a plain thread: they are not what is measured. Each host of the loopback has
 * ports of its own. */
static void dial_all(const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    to.sin_port = htons((in_port_t)atoi(strrchr(address, ':') + 1));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < CONNECTIONS; i++) {
        int on = 1;
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(clients[i] >= 0);
        from.sin_addr.s_addr = htonl(0x7f000101u + (unsigned)i / 5000);
        setsockopt(clients[i], IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        CHECK_EQ(bind(clients[i], (struct sockaddr *)&from, sizeof from), 0);
        CHECK_EQ(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
    }
}

int main(void)
{
    struct rlimit limit;
    char address[64], byte;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    if (limit.rlim_cur < DESCRIPTORS || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        test_skip("not allowed so many descriptors");
    int listener = bine_listen("127.0.0.1:0", 4096);
    CHECK(listener >= 0);
    CHECK_EQ(bine_local_address(listener, address, sizeof address), 0);
    bine_waitgroup_add(&served, CONNECTIONS + 1);
    CHECK_EQ(bine_go(accept_all, listener), 0);
    long before = resident_bytes();
    dial_all(address);
    test_until_parked(CONNECTIONS);
    long each = (resident_bytes() - before) / CONNECTIONS;
    printf("%ld bytes a connection\n", each);
    CHECK(each < EACH_BYTES);
    for (int i = 0; i < CONNECTIONS; i++)
        CHECK_EQ(write(clients[i], "x", 1), 1);
    for (int i = 0; i < CONNECTIONS; i++) {
        CHECK_EQ(read(clients[i], &byte, 1), 1);
        close(clients[i]);
    }
    CHECK_EQ(bine_waitgroup_wait(&served), 0);
    CHECK_EQ(bine_close(listener), 0);
    return 0;
}
