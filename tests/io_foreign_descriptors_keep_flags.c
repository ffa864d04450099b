/*
 * Pipes, sockets, terminals and files that the program opened, blocking, work like bine's own: who
 * waits for them keeps no worker, much data goes through, a broken pipe is an error and no signal,
 * and their flags are as before.
 */
#include "test_support/net.h"
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

enum { BYTES = TEST_SANITIZED ? 300000 : 3000000 };

static _Atomic int ticks_while_waiting;
static _Atomic bool read_done;

static int flags_of(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    CHECK(flags >= 0);
    return flags;
}

static void tick(void)
{
    while (!read_done) {
        ticks_while_waiting++;
        CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    }
}

static int read_byte(int fd)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    read_done = true;
    return byte;
}

/* A reader of a blocking descriptor waits while a task of the same worker runs on. */
static void check_waiting(int from, int to)
{
    int before = flags_of(from);
    read_done = false;
    ticks_while_waiting = 0;
    bine_future(int) reader = bine_async(read_byte, from);
    CHECK(reader);
    test_until_parked(1);
    bine_future(void) ticker = bine_async(tick);
    CHECK(ticker);
    EVENTUALLY(ticks_while_waiting > 3);
    CHECK_EQ(write(to, "b", 1), 1);
    CHECK_EQ(bine_await(reader), 'b');
    bine_await(ticker);
    CHECK_EQ(flags_of(from), before);
    CHECK(!(before & O_NONBLOCK));
}

static int send_much(int fd)
{
    char *much = calloc(1, BYTES);
    CHECK(much);
    CHECK_EQ(bine_write_full(fd, much, BYTES), 0);
    free(much);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static int receive_much(int fd)
{
    static char buffer[100000];
    size_t received = 0;
    ssize_t got;
    while ((got = bine_read(fd, buffer, sizeof buffer)) > 0)
        received += (size_t)got;
    CHECK_EQ(got, 0);
    CHECK_EQ(received, BYTES);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static void check_much(int from, int to)
{
    bine_future(int) sender = bine_async(send_much, to);
    CHECK(sender);
    CHECK_EQ(bine_run(receive_much, from), 0);
    CHECK_EQ(bine_await(sender), 0);
}

static int write_to_nobody(int fd)
{
    CHECK_EQ(bine_write(fd, "x", 1), -EPIPE);
    CHECK_EQ(bine_write_full(fd, "x", 1), -EPIPE);
    return 0;
}

/* SIGPIPE has its usual action, which would end the test. */
static void check_broken(int from, int to)
{
    sigset_t pending;
    CHECK_EQ(bine_close(from), 0);
    CHECK_EQ(bine_run(write_to_nobody, to), 0);
    write_to_nobody(to);
    CHECK_EQ(sigpending(&pending), 0);
    CHECK(!sigismember(&pending, SIGPIPE));
    CHECK_EQ(bine_close(to), 0);
}

static void check_terminal(void)
{
    struct termios raw;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        return; /* no terminals here */
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return;
    CHECK_EQ(tcgetattr(slave, &raw), 0);
    cfmakeraw(&raw);
    CHECK_EQ(tcsetattr(slave, TCSANOW, &raw), 0);
    check_waiting(slave, master);
    check_waiting(master, slave);
    CHECK_EQ(bine_write_full(slave, "to the master", 13), 0);
    char text[13];
    CHECK_EQ(bine_read_full(master, text, 13), 13);
    CHECK(memcmp(text, "to the master", 13) == 0);
    CHECK_EQ(bine_close(slave), 0);
    CHECK_EQ(bine_close(master), 0);
}

static int use_null(void)
{
    char byte;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC),
        zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    CHECK(null >= 0 && zero >= 0);
    CHECK_EQ(bine_read(null, &byte, 1), 0);
    CHECK_EQ(bine_write(null, &byte, 1), 1);
    CHECK_EQ(bine_read(zero, &byte, 1), 1);
    CHECK_EQ(byte, 0);
    CHECK_EQ(bine_poll(null, POLLIN | POLLOUT), POLLIN | POLLOUT);
    CHECK_EQ(bine_close(null), 0);
    CHECK_EQ(bine_close(zero), 0);
    return 0;
}

int main(void)
{
    int ends[2];
    net_foreign_pipe(ends);
    check_waiting(ends[0], ends[1]);
    check_much(ends[0], ends[1]);
    net_foreign_pair(ends);
    check_waiting(ends[0], ends[1]);
    check_much(ends[0], ends[1]);
    net_foreign_pipe(ends);
    check_broken(ends[0], ends[1]);
    net_foreign_pair(ends);
    check_broken(ends[0], ends[1]);
    check_terminal();
    CHECK_EQ(bine_run(use_null), 0);
    CHECK_EQ(use_null(), 0);
    return 0;
}
