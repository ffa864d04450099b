/*
 * Addresses as text: what is none is refused before anything else, what is one comes back the same,
 * and a client's local address is its server's remote one.
 */
#include "test_support/net.h"
#include <netinet/in.h>
#include <netinet/tcp.h>

static const char *const wrong[] = {
    "",
    "127.0.0.1",
    "localhost",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "a:b",
    "127.0.0.1:80x",
    "::1:80",
    "[::1]",
    "[::1:80",
    "[::1]80",
    "[]:80",
    "[127.0.0.1]:80",
    "[x]:80",
    "unix:",
    "host name:80",
    "[::1]:",
    "http://localhost:80",
};

static void refuse_wrong(void)
{
    char long_path[200] = "unix:/", long_name[400];
    memset(long_path + 6, 'x', sizeof long_path - 7);
    memset(long_name, 'x', sizeof long_name);
    strcpy(long_name + 300, ":80");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_EQ(bine_dial(wrong[i]), -EINVAL);
        CHECK_EQ(bine_listen(wrong[i], 1), -EINVAL);
        CHECK_EQ(bine_udp(wrong[i]), -EINVAL);
    }
    CHECK_EQ(bine_dial(NULL), -EINVAL);
    CHECK_EQ(bine_dial(long_path), -EINVAL);
    CHECK_EQ(bine_dial(long_name), -EINVAL);
    CHECK_EQ(bine_dial(":80"), -EINVAL); /* any address is for listening */
    CHECK_EQ(bine_listen("udp:127.0.0.1:0", 1), -EINVAL);
    CHECK_EQ(bine_udp("unix:/tmp/x"), -EINVAL);
}

static void describe(int fd, char local[64], char remote[64])
{
    CHECK_EQ(bine_local_address(fd, local, 64), 0);
    CHECK_EQ(bine_remote_address(fd, remote, 64), 0);
}

static void check_pair(const char *listen_at, const char *dial_host)
{
    char address[64], dial_at[80], a[64], b[64], c[64], d[64];
    int listener = bine_listen(listen_at, 8), on = 0;
    socklen_t size = sizeof on;
    if (listener == -EADDRNOTAVAIL || listener == -EAFNOSUPPORT)
        return; /* no version 6 here */
    CHECK(listener >= 0);
    CHECK_EQ(bine_local_address(listener, address, sizeof address), 0);
    CHECK_EQ(bine_remote_address(listener, a, sizeof a), -ENOTCONN);
    snprintf(dial_at, sizeof dial_at, "%s%s", dial_host, strrchr(address, ':'));
    int client = bine_dial(dial_at), server = bine_accept(listener);
    CHECK(client >= 0 && server >= 0);
    describe(client, a, b);
    describe(server, c, d);
    CHECK(strcmp(a, d) == 0 && strcmp(b, c) == 0);
    CHECK(strncmp(b, dial_host, strlen(dial_host)) == 0 || strcmp(dial_host, "localhost") == 0);
    for (int i = 0; i < 2; i++) {
        int fd = i ? server : client;
        CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
        CHECK(on);
        CHECK_EQ(bine_close(fd), 0);
    }
    CHECK_EQ(bine_close(listener), 0);
}

static void refuse_small_room(void)
{
    char text[64], address[64];
    int listener = net_listen(address);
    CHECK_EQ(bine_local_address(listener, text, 63), -EINVAL);
    CHECK_EQ(bine_local_address(listener, NULL, 64), -EINVAL);
    CHECK_EQ(bine_local_address(-1, text, 64), -EBADF);
    CHECK_EQ(bine_listen(address, 1), -EADDRINUSE);
    CHECK_EQ(bine_close(listener), 0);
    CHECK_EQ(bine_dial(address), -ECONNREFUSED);
}

static int check_all(void)
{
    refuse_wrong();
    check_pair("127.0.0.1:0", "127.0.0.1");
    check_pair("[::1]:0", "[::1]");
    check_pair(":0", "127.0.0.1");
    check_pair("localhost:0", "localhost");
    refuse_small_room();
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_run(check_all), 0);
    CHECK_EQ(check_all(), 0);
    return 0;
}
