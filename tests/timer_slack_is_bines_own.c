/*
 * bine's threads sleep to the nanosecond; a child that a task has forked, and the program's own
 * threads, have the timer slack that they had.
 */
/* test: plain */
#include "test_support/child.h"
#include <sys/prctl.h>

enum { OTHER_NS = 70000 };

static int slack(void)
{
    return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

static int fork_and_look(void)
{
    CHECK_EQ(slack(), 1);
    pid_t pid = fork();
    if (pid == 0)
        _exit(slack() == OTHER_NS ? 0 : 1);
    child_join(pid);
    return 0;
}

int main(void)
{
    CHECK_EQ(prctl(PR_SET_TIMERSLACK, OTHER_NS, 0, 0, 0), 0);
    CHECK_EQ(bine_run(fork_and_look), 0);
    CHECK_EQ(slack(), OTHER_NS);
    return 0;
}
