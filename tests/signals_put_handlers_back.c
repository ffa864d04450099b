/*
 * Closing a channel of signals, or dropping its last reference, puts back the handlers that were
 * there before, but not over one that somebody has set meanwhile; and only when no other channel
 * names the signal any more.
 */
#include "test.h"
#include <bine/chan.h>
#include <bine/signal.h>

static _Atomic int handled, handled_late;

static void count(int number)
{
    (void)number;
    handled++;
}

static void count_late(int number)
{
    (void)number;
    handled_late++;
}

static void (*handler_of(int number))(int)
{
    struct sigaction action;
    CHECK_EQ(sigaction(number, NULL, &action), 0);
    return action.sa_handler;
}

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static bine_chan(int) open_one(int number)
{
    bine_chan(int) ch = bine_signals(&number, 1);
    CHECK(ch);
    return ch;
}

static void expect(bine_chan(int) ch, int number)
{
    int got;
    CHECK_EQ(raise(number), 0);
    CHECK_EQ(bine_recv(ch, &got), 0);
    CHECK_EQ(got, number);
}

static void check_close(void)
{
    bine_chan(int) ch = open_one(SIGUSR1);
    expect(ch, SIGUSR1);
    CHECK_EQ(handled, 0);
    CHECK_EQ(bine_chan_close(ch), 0);
    CHECK(handler_of(SIGUSR1) == count);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled, 1);
    CHECK_EQ(bine_recv(ch, NULL), -EPIPE);
    CHECK_EQ(bine_chan_close(ch), -EPIPE);
    bine_chan_unref(ch);
    CHECK(handler_of(SIGUSR1) == count);
}

/* What has come before the end is still there to be read. */
static void check_drain(void)
{
    int got;
    bine_chan(int) ch = open_one(SIGUSR1);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(bine_chan_close(ch), 0);
    CHECK_EQ(bine_recv(ch, &got), 0);
    CHECK_EQ(got, SIGUSR1);
    CHECK_EQ(bine_recv(ch, &got), -EPIPE);
    bine_chan_unref(ch);
}

static void check_drop(void)
{
    bine_chan(int) ch = open_one(SIGUSR1);
    bine_chan(int) second = bine_chan_ref(ch);
    bine_chan_unref(ch);
    expect(second, SIGUSR1);
    bine_chan_unref(second);
    CHECK(handler_of(SIGUSR1) == count);
}

static void check_several(void)
{
    bine_chan(int) first = open_one(SIGUSR1);
    bine_chan(int) second = open_one(SIGUSR1);
    bine_chan_unref(first);
    expect(second, SIGUSR1);
    bine_chan(int) third = open_one(SIGUSR1);
    bine_chan_unref(second);
    expect(third, SIGUSR1);
    bine_chan_unref(third);
    CHECK(handler_of(SIGUSR1) == count);
}

static void check_ignored_and_default(void)
{
    set_handler(SIGUSR2, SIG_IGN);
    bine_chan(int) ch = open_one(SIGUSR2);
    expect(ch, SIGUSR2);
    bine_chan_unref(ch);
    CHECK(handler_of(SIGUSR2) == SIG_IGN);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    bine_chan_unref(open_one(SIGTERM));
    CHECK(handler_of(SIGTERM) == SIG_DFL);
}

/* Somebody sets a handler of his own while a channel is open: it stays, and gets the signals. A new
 * channel takes them again, and puts it back. */
static void check_handler_in_between(void)
{
    bine_chan(int) ch = open_one(SIGUSR1);
    set_handler(SIGUSR1, count_late);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK_EQ(handled_late, 1);
    bine_chan(int) second = open_one(SIGUSR1);
    expect(second, SIGUSR1);
    CHECK_EQ(handled_late, 1);
    bine_chan_unref(second);
    expect(ch, SIGUSR1);
    bine_chan_unref(ch);
    CHECK(handler_of(SIGUSR1) == count_late);
}

int main(void)
{
    set_handler(SIGUSR1, count);
    check_close();
    check_drain();
    check_drop();
    check_several();
    CHECK_EQ(handled, 1);
    check_ignored_and_default();
    check_handler_in_between();
    CHECK_EQ(handled, 1);
    return 0;
}
