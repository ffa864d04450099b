/*
 * In the child of a fork the handlers are those that were there before a channel took the signals,
 * and it may make channels of its own; the parent's go on. (The thread sanitizer's own runtime does
 * not survive a fork of a process with threads.)
 */
/* test: plain */
#include "test.h"
#include <bine/chan.h>
#include <bine/signal.h>
#include <sys/wait.h>

static void expect(bine_chan(int) ch, int number)
{
    int got;
    CHECK_EQ(kill(getpid(), number), 0);
    CHECK_EQ(bine_recv(ch, &got), 0);
    CHECK_EQ(got, number);
}

static void be_child(bine_chan(int) parents)
{
    struct sigaction action;
    test_start_watchdog();
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
    bine_chan(int) own = bine_signals((const int[]){SIGUSR1, SIGUSR2}, 2);
    CHECK(own);
    expect(own, SIGUSR1);
    CHECK_EQ(bine_chan_close(parents), 0); /* what the parent's channel took is not put back again */
    expect(own, SIGUSR1);
    bine_chan_unref(own);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
    _exit(0);
}

int main(void)
{
    int status;
    bine_chan(int) ch = bine_signals((const int[]){SIGUSR1}, 1);
    CHECK(ch);
    expect(ch, SIGUSR1);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        be_child(ch);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    CHECK_EQ(bine_try_recv(ch, NULL), -EAGAIN);
    expect(ch, SIGUSR1);
    bine_chan_unref(ch);
    return 0;
}
