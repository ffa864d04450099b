/* What cannot be received is refused, and nothing has changed then. */
#include "test.h"
#include <bine/chan.h>
#include <bine/signal.h>

static void refuse(int number)
{
    const int numbers[] = {SIGUSR1, number};
    struct sigaction action;
    errno = 0;
    CHECK(!bine_signals(numbers, 2));
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
}

int main(void)
{
    const int refused[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                                  0,       -1,      65,      1000,   32,     SIGRTMAX + 1};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        refuse(refused[i]);
    errno = 0;
    CHECK(!bine_signals(NULL, 1));
    CHECK_EQ(errno, EINVAL);
    bine_chan(int) none = bine_signals(NULL, 0);
    CHECK(none);
    CHECK_EQ(bine_try_recv(none, NULL), -EAGAIN);
    bine_chan_unref(none);
    return 0;
}
