/*
 * A server goes on through whatever clients do: reset connections in the middle of anything, storms
 * of connects, half-closed ones, clients that send byte by byte or take nothing. What is answered is
 * right, every connection's task ends, and neither descriptors nor memory grow.
 */
#include "../test.h"
#include <arpa/inet.h>
#include <bine/io.h>
#include <bine/scope.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
    CLIENTS = 6,
    BUFFER_SIZE = 2048,
    MOST_BYTES = 300000,
    BURST = 50,         /* connections at once */
    DRIPS = 20,
    LEAK_BYTES = 16 << 20,
    PATIENCE_S = 100,
};

static int listener, port;
static _Atomic long accepted, ended, answered;
static _Atomic bool stop;

/* --- the server --- */

static void echo(int fd)
{
    char buffer[BUFFER_SIZE];
    ssize_t size;
    while ((size = bine_read(fd, buffer, sizeof buffer)) > 0)
        if (bine_write_full(fd, buffer, (size_t)size) != 0)
            break;
    CHECK_EQ(bine_close(fd), 0);
    ended++;
}

static void serve(void)
{
    int fd;
    while ((fd = bine_accept(listener)) != -EBADF) {
        if (fd < 0)
            continue; /* a connection that was reset before it was accepted */
        accepted++;
        CHECK_EQ(bine_go(echo, fd), 0);
    }
}

/* --- clients --- */

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Closes it with a reset, whatever is under way. */
static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

static void send_all(int fd, const char *data, size_t size)
{
    CHECK_EQ(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void expect(int fd, const char *data, size_t size)
{
    static __thread char got[MOST_BYTES];
    CHECK_EQ(recv(fd, got, size, MSG_WAITALL), (ssize_t)size);
    CHECK(memcmp(got, data, size) == 0);
    answered++;
}

static void fill(char *data, size_t size, uint64_t *state)
{
    uint64_t seed = test_random(state);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)((seed >> i % 57) + i);
}

/* Asks and reads the answer, some times. */
static void ask(int fd, char *data, uint64_t *state)
{
    for (uint64_t n = 1 + test_random_below(state, 20); n > 0; n--) {
        size_t size = 1 + test_random_below(state, 3000);
        fill(data, size, state);
        send_all(fd, data, size);
        expect(fd, data, size);
    }
    close(fd);
}

static void drip(int fd, char *data, uint64_t *state)
{
    fill(data, DRIPS, state);
    for (int i = 0; i < DRIPS; i++) {
        send_all(fd, data + i, 1);
        if (i % 5 == 0)
            usleep(100);
    }
    expect(fd, data, DRIPS);
    close(fd);
}

/* All is sent and this side ended before the answer is read. */
static void half_close(int fd, char *data, uint64_t *state)
{
    size_t size = 1 + test_random_below(state, 20000);
    fill(data, size, state);
    send_all(fd, data, size);
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    expect(fd, data, size);
    CHECK_EQ(recv(fd, data, 1, 0), 0);
    close(fd);
}

/* Takes nothing until the server's send buffer is full, perhaps; then a reset. */
static void stuff(int fd, char *data, uint64_t *state)
{
    ssize_t sent;
    fill(data, MOST_BYTES, state);
    for (uint64_t n = test_random_below(state, 20); n > 0; n--)
        do
            sent = send(fd, data, MOST_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (sent > 0 && test_random_below(state, 3) > 0);
    reset(fd);
}

static void burst(uint64_t *state)
{
    int fds[BURST];
    for (int i = 0; i < BURST; i++)
        fds[i] = dial();
    for (int i = 0; i < BURST; i++) {
        if (test_random_below(state, 2))
            reset(fds[i]);
        else
            close(fds[i]);
    }
}

static void *be_client(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed;
    char *data = malloc(MOST_BYTES);
    CHECK(data);
    while (!stop) {
        switch (test_random_below(&state, 16)) {
        case 0:
            burst(&state);
            break;
        case 1:
            stuff(dial(), data, &state);
            break;
        case 2:
            drip(dial(), data, &state);
            break;
        case 3:
            half_close(dial(), data, &state);
            break;
        case 4:
            reset(dial());
            break;
        default:
            ask(dial(), data, &state);
        }
    }
    free(data);
    return NULL;
}

/* --- what must not grow --- */

static int count_sockets(void)
{
    int count = 0;
    struct dirent *entry;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory);
    while ((entry = readdir(directory))) {
        char target[8];
        ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, sizeof target);
        count += size >= 7 && memcmp(target, "socket:", 7) == 0;
    }
    closedir(directory);
    return count;
}

static long resident_bytes(void)
{
    long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file);
    CHECK_EQ(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void listen_here(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    listener = bine_listen("127.0.0.1:0", 4096);
    CHECK(listener >= 0);
    CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
    struct test_options options = test_read_options(argc, argv);
    pthread_t client[CLIENTS];
    int sockets = count_sockets();
    listen_here();
    bine_future(void) server = bine_async(serve);
    CHECK(server);
    for (int i = 0; i < CLIENTS; i++)
        client[i] = test_thread(be_client, (void *)(uintptr_t)test_random(&options.seed));
    usleep((unsigned)options.seconds * 500000);
    long half_way = resident_bytes();
    usleep((unsigned)options.seconds * 500000);
    stop = true;
    for (int i = 0; i < CLIENTS; i++)
        test_join(client[i]);
    EVENTUALLY(ended == accepted);
    CHECK_EQ(bine_close(listener), 0);
    bine_await(server);
    EVENTUALLY(ended == accepted);
    CHECK(answered > 0 && accepted > 0);
    CHECK_EQ(count_sockets(), sockets);
    long grown = resident_bytes() - half_way;
    printf("%ld connections, %ld answers, grown by %ld bytes\n", (long)accepted, (long)answered,
           grown);
    CHECK(TEST_SANITIZED || grown < LEAK_BYTES);
    return 0;
}
