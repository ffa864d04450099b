/*
 * A signal that a channel names reaches it, whoever has masked what: sent to the process, to a
 * thread that has it unmasked, or while every thread masks it. Each of several channels gets it.
 */
#include "test.h"
#include <bine/chan.h>
#include <bine/signal.h>

static void set_mask(int how, int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    CHECK_EQ(pthread_sigmask(how, &set, NULL), 0);
}

static void expect(bine_chan(int) ch, int number)
{
    int got = 0;
    CHECK_EQ(bine_recv(ch, &got), 0);
    CHECK_EQ(got, number);
}

static _Atomic bool sits, stop;

static void *sit_unmasked(void *unused)
{
    set_mask(SIG_UNBLOCK, SIGUSR2);
    while (!stop) {
        usleep(1000);
        sits = true;
    }
    return unused;
}

static void check_process_signals(bine_chan(int) ch, int how)
{
    set_mask(how, SIGUSR1);
    for (int i = 0; i < test_scaled(1000); i++) {
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
        expect(ch, SIGUSR1);
    }
    set_mask(SIG_UNBLOCK, SIGUSR1);
}

static void check_thread_signal(bine_chan(int) ch)
{
    set_mask(SIG_BLOCK, SIGUSR2);
    pthread_t thread = test_thread(sit_unmasked, NULL);
    /* The thread sanitizer loses a signal that comes while a thread first sets up its part for them. */
    EVENTUALLY(sits);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(pthread_kill(thread, SIGUSR2), 0);
        expect(ch, SIGUSR2);
    }
    stop = true;
    test_join(thread);
    set_mask(SIG_UNBLOCK, SIGUSR2);
}

static void receive_in_task(bine_chan(int) ch, int number)
{
    expect(ch, number);
}

static void check_tasks(bine_chan(int) ch)
{
    for (int i = 0; i < 100; i++) {
        bine_future(void) receiver = bine_async(receive_in_task, ch, SIGUSR1);
        CHECK(receiver);
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
        bine_await(receiver);
    }
}

/* A task's worker masks the signals, and what a task raises is for that thread alone. */
static int raise_here(bine_chan(int) ch)
{
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(raise(SIGUSR1), 0);
        expect(ch, SIGUSR1);
    }
    CHECK_EQ(raise(SIGUSR1), 0);
    while (bine_chan_len(ch) == 0)
        bine_yield(); /* never idle */
    expect(ch, SIGUSR1);
    return 0;
}

/* The same on a plain thread that masks it, and waits. */
static void check_masked_thread(bine_chan(int) ch)
{
    set_mask(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(raise(SIGUSR1), 0);
        expect(ch, SIGUSR1);
    }
    set_mask(SIG_UNBLOCK, SIGUSR1);
}

static void check_real_time(void)
{
    bine_chan(int) ch = bine_signals((const int[]){SIGRTMIN, SIGRTMAX, SIGRTMIN}, 3);
    CHECK(ch);
    CHECK_EQ(kill(getpid(), SIGRTMAX), 0);
    expect(ch, SIGRTMAX);
    CHECK_EQ(kill(getpid(), SIGRTMIN), 0);
    expect(ch, SIGRTMIN);
    bine_chan_unref(ch);
}

int main(void)
{
    bine_chan(int) both = bine_signals((const int[]){SIGUSR1, SIGUSR2}, 2);
    bine_chan(int) one = bine_signals((const int[]){SIGUSR2}, 1);
    CHECK(both && one);
    check_process_signals(both, SIG_UNBLOCK);
    check_process_signals(both, SIG_BLOCK);
    check_tasks(both);
    CHECK_EQ(bine_run(raise_here, both), 0);
    check_masked_thread(both);
    CHECK_EQ(bine_try_recv(one, NULL), -EAGAIN);
    CHECK_EQ(raise(SIGUSR2), 0);
    expect(both, SIGUSR2);
    expect(one, SIGUSR2);
    CHECK_EQ(bine_chan_close(one), 0); /* the other goes on */
    check_thread_signal(both);
    check_real_time();
    CHECK_EQ(bine_try_recv(both, NULL), -EAGAIN);
    bine_chan_unref(one);
    bine_chan_unref(both);
    return 0;
}
