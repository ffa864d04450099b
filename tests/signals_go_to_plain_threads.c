/*
 * A handler for a signal sent to the process never runs on a thread of bine's: those block such
 * signals. Main blocks it too, once the workers run, so that only the receiver is left for it.
 */
#include "test.h"

enum { SIGNALS = 200, TASKS = 16 };

static _Atomic int handled, elsewhere;
static _Atomic pid_t receiver;
static _Atomic bool stop;

static void handle(int signal_number)
{
    (void)signal_number;
    if (gettid() != receiver)
        elsewhere++;
    handled++;
}

static void keep_busy(void)
{
    while (!stop) {
        test_spin(1000);
        bine_yield();
    }
}

static void *receive(void *unused)
{
    /* The thread sanitizer loses a signal that comes while a thread first sets up its part for
     * them: first a call that has it set up. */
    usleep(1000);
    receiver = gettid();
    while (!stop)
        usleep(1000);
    return unused;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_go(keep_busy), 0);
    pthread_t thread = test_thread(receive, NULL);
    EVENTUALLY(receiver != 0);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &signals, NULL), 0);
    for (int i = 0; i < SIGNALS; i++) {
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
        EVENTUALLY(handled == i + 1);
    }
    CHECK_EQ(elsewhere, 0);
    stop = true;
    test_join(thread);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    return 0;
}
