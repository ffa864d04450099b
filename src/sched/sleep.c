/* Sleeping and ticking. */
#include "sched/park.h"
#include "sched/worker.h"
#include "time/clock.h"
#include <bine/time.h>
#include <errno.h>

static void commit_sleep(void *wait)
{
    wait_commit(wait);
}

int bine_sleep_until(bine_time deadline)
{
    worker_heed_budget_here();
    struct run *run = run_self();
    int error = run_check(run);
    deadline_check("bine_sleep_until", deadline);
    if (error || deadline <= clock_now())
        return error;
    struct wait wait;
    bool own = deadline <= run->deadline; /* else one around the caller comes first */
    wait_begin(&wait, "sleep", NULL, deadline);
    atomic_thread_fence(memory_order_seq_cst); /* no lock is taken: see wait_park() */
    error = wait_park(&wait, commit_sleep);
    return error == -ETIMEDOUT && own ? 0 : error;
}

int bine_sleep(bine_time span)
{
    return bine_sleep_until(bine_after(span));
}

int bine_ticker_start(bine_ticker *ticker, bine_time period)
{
    if (!ticker || period < 1)
        return -EINVAL;
    ticker->period = period;
    ticker->next = bine_after(period);
    return 0;
}

int64_t bine_ticker_wait(bine_ticker *ticker)
{
    if (!ticker || ticker->period < 1)
        return -EINVAL; /* it was not started */
    int error = bine_sleep_until(ticker->next);
    if (error)
        return error;
    int64_t ended = 1 + (clock_now() - ticker->next) / ticker->period;
    ticker->next += ended * ticker->period;
    return ended;
}
