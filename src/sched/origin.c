#include "sched/origin.h"
#include "sched/worker.h"
#include <sys/prctl.h>

static sigset_t noted_mask;
static long noted_slack;

static void read_thread(sigset_t *mask, long *timer_slack)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    *timer_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

void origin_note(void)
{
    read_thread(&noted_mask, &noted_slack);
}

void origin_of_caller(sigset_t *mask, long *timer_slack)
{
    if (worker_self()) {
        *mask = noted_mask;
        *timer_slack = noted_slack;
    } else {
        read_thread(mask, timer_slack);
    }
}

void origin_restore_timer_slack(void)
{
    if (noted_slack > 0)
        prctl(PR_SET_TIMERSLACK, noted_slack, 0, 0, 0);
}
