/*
 * A peer that vanishes without a word: its end of the connection is there, and nothing that is sent
 * arrives. A deadline ends the wait for it; so do the socket's own keep-alive, and its limit on
 * data that nobody acknowledges.
 *
 * It runs in a network of its own, whose loopback is taken away.
 */
/* test: workers=1,2 */
#include "test_support/net.h"
#include <bine/scope.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

enum { CONNECTIONS = 3, UNACKNOWLEDGED_MS = 500 };

static void set_loopback(int flags)
{
    struct ifreq loopback = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    loopback.ifr_flags = (short)flags;
    CHECK_EQ(ioctl(fd, SIOCSIFFLAGS, &loopback), 0);
    close(fd);
}

static void set_option(int fd, int level, int option, int value)
{
    CHECK_EQ(setsockopt(fd, level, option, &value, sizeof value), 0);
}

static int read_byte(int fd)
{
    char byte;
    return (int)bine_read(fd, &byte, 1);
}

static int read_with_deadline(int fd)
{
    int result = 0;
    bine_time deadline = bine_after(BINE_MS(20));
    BINE_UNTIL (deadline)
        result = read_byte(fd);
    CHECK(bine_now() >= deadline);
    CHECK_EQ(bine_check(), 0); /* it was the deadline of this read */
    return result;
}

/* There is room for what it writes, so it finds out at the next read. */
static int write_and_read(int fd)
{
    CHECK_EQ(bine_write(fd, "x", 1), 1);
    return read_byte(fd);
}

/* The kernel's own words for it. */
static bool is_lost(int error)
{
    return error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH;
}

static int be_in_network(void)
{
    int ends[CONNECTIONS][2];
    set_loopback(IFF_UP | IFF_RUNNING);
    for (int i = 0; i < CONNECTIONS; i++)
        net_pair(ends[i]);
    set_option(ends[1][0], SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(ends[1][0], IPPROTO_TCP, TCP_KEEPIDLE, 1);
    set_option(ends[1][0], IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set_option(ends[1][0], IPPROTO_TCP, TCP_KEEPCNT, 1);
    set_option(ends[2][0], IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
    set_loopback(0);
    bine_future(int) kept_alive = bine_async(read_byte, ends[1][0]);
    bine_future(int) unacknowledged = bine_async(write_and_read, ends[2][0]);
    CHECK(kept_alive && unacknowledged);
    CHECK_EQ(bine_run(read_with_deadline, ends[0][0]), -ETIMEDOUT);
    CHECK(is_lost(bine_await(kept_alive)));
    CHECK(is_lost(bine_await(unacknowledged)));
    for (int i = 0; i < CONNECTIONS; i++)
        net_close(ends[i]);
    return 0;
}

int main(int argc, char **argv)
{
    char self[4096] = "";
    (void)argv;
    if (argc > 1)
        return be_in_network();
    if (system("unshare --map-root-user --net true 2>/dev/null") != 0)
        test_skip("not allowed a network of its own");
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    execlp("unshare", "unshare", "--map-root-user", "--net", self, "inside", (char *)NULL);
    test_fail(__FILE__, __LINE__, "cannot run unshare");
}
