/*
 * Select waits for descriptors beside channels: it wakes when one becomes ready, says for what,
 * does nothing else, and leaves edges to others that it did not use.
 */
#include "test_support/crowd.h"
#include <bine/chan.h>
#include <bine/io.h>
#include <bine/select.h>
#include <fcntl.h>
#include <poll.h>

enum { ROUNDS = 2000 };

struct ends {
    int in, out;
};

static struct ends open_pipe(void)
{
    int fds[2];
    CHECK_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    return (struct ends){fds[0], fds[1]};
}

static void write_one(int fd, int spin)
{
    test_spin((unsigned)spin);
    CHECK_EQ(write(fd, "x", 1), 1);
}

static void read_one(int fd)
{
    char byte;
    CHECK_EQ(read(fd, &byte, 1), 1);
}

static void send_one(struct bine_chan *ch, int spin)
{
    test_spin((unsigned)spin);
    CHECK_EQ(bine_chan_send_(ch, &spin, BINE_NEVER), 0);
}

static int check_kinds(void)
{
    struct ends ends = open_pipe();
    bine_chan(int) ch = bine_chan_make(int, 0);
    int value;
    bine_case cases[] = {BINE_RECV(ch, &value), BINE_READY(ends.in, POLLIN),
                         BINE_READY(-1, POLLIN)};
    bine_case writes[] = {BINE_READY(ends.out, POLLOUT)};
    CHECK(bine_poll(ends.out, POLLOUT) == POLLOUT);
    CHECK_EQ(bine_try_select(cases, 3), -EAGAIN);
    CHECK_EQ(bine_select_until(cases, 3, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(bine_select(writes, 1), 0);
    CHECK_EQ(writes[0].result, POLLOUT);
    CHECK_EQ(bine_go(write_one, ends.out, 1000), 0);
    CHECK_EQ(bine_select(cases, 3), 1);
    CHECK_EQ(cases[1].result, POLLIN);
    CHECK_EQ(bine_select(cases, 3), 1); /* nobody has read it */
    read_one(ends.in);
    CHECK_EQ(bine_try_select(cases, 3), -EAGAIN);
    CHECK_EQ(bine_go(send_one, (struct bine_chan *)ch, 1000), 0);
    CHECK_EQ(bine_select(cases, 3), 0);
    CHECK_EQ(value, 1000);
    bine_case wrong[] = {BINE_READY(ends.in, 0)}, closed[] = {BINE_READY(12345, POLLIN)};
    CHECK_EQ(bine_select(wrong, 1), -EINVAL);
    CHECK_EQ(bine_select(closed, 1), -EBADF);
    CHECK_EQ(bine_close(ends.out), 0);
    CHECK_EQ(bine_select(cases, 3), 1); /* the end can be read */
    CHECK_EQ(bine_close(ends.in), 0);
    bine_chan_unref(ch);
    return 0;
}

/* Each byte and each value is seen once, whichever select it meets. */
static struct ends shared;
static bine_chan(int) numbers;
static _Atomic int bytes, values;

static void select_often(int unused)
{
    (void)unused;
    for (;;) {
        int value;
        bine_case cases[] = {BINE_RECV(numbers, &value), BINE_READY(shared.in, POLLIN)};
        int index = bine_select(cases, 2);
        char byte;
        CHECK(index >= 0);
        if (index == 0 && cases[0].result == -EPIPE)
            return;
        if (index == 0)
            values++;
        else if (read(shared.in, &byte, 1) == 1)
            bytes++;
    }
}

static void check_shared(void)
{
    int rounds = test_scaled(ROUNDS);
    shared = open_pipe();
    numbers = bine_chan_make(int, 0);
    crowd_start_mixed(select_often, 6);
    for (int i = 0; i < rounds; i++) {
        write_one(shared.out, i % 300);
        test_spin((unsigned)i % 500);
        CHECK_EQ(bine_send(numbers, i), 0);
    }
    EVENTUALLY(bytes == rounds);
    CHECK_EQ(bine_chan_close(numbers), 0);
    crowd_join();
    CHECK_EQ(values, rounds);
    bine_chan_unref(numbers);
    CHECK_EQ(bine_close(shared.in), 0);
    CHECK_EQ(bine_close(shared.out), 0);
}

int main(void)
{
    CHECK_EQ(check_kinds(), 0);
    CHECK_EQ(bine_run(check_kinds), 0);
    check_shared();
    return 0;
}
