/*
 * Helper threads.
 *
 * 1. Jobs wait in one queue, first come, first served. There are as many threads as there were jobs
 *    at once, up to MOST; one that finds no job for LIFE_NS ends.
 * 2. `idle` threads sleep, or are about to look; a thread is started only if there are more jobs in
 *    the queue than those.
 * 3. A job's memory is the waiter's again once it is done and the helper has let go of its lock; of
 *    an abandoned one it is the helper's.
 * 4. Where no thread can be started and none is there, the caller runs the job itself: that may
 * hold up its worker, and the monitor brings in another one.
 */
#include "io/helper.h"
#include "base/os.h"
#include "sched/pool.h"
#include "sched/worker.h"
#include "time/clock.h"
#include <bine/task.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>

enum { MOST = 64, STACK = 256 << 10 };
#define LIFE_NS INT64_C(10000000000)

static struct {
    struct spinlock lock;      /* protects all below */
    struct job *first, **last; /* the queue */
    unsigned threads, idle, queued;
    _Atomic uint32_t calls; /* futex: grows when a job is queued */
    bool watches_forks;
} helpers;

/* --- the end of a job --- */

static void finish(struct job *job)
{
    spin_lock(&job->lock);
    job->done = true;
    bool abandoned = job->abandoned;
    struct wait *wait = job->wait;
    struct task *task = wait && wait_claim(wait) ? wait->task : NULL;
    spin_unlock(&job->lock); /* the last touch, unless abandoned */
    if (task)
        wait_resume(task);
    if (abandoned)
        job->discard(job);
}

static void commit_wait(void *argument)
{
    struct wait *wait = argument;
    struct job *job = wait->on;
    wait_commit(wait);
    spin_unlock(&job->lock);
}

/* 0: the job is done. Else the caller has left it. */
static int wait_for_job(struct job *job, const char *what)
{
    struct wait wait;
    if (job->detached)
        wait_begin(&wait, what, job, BINE_NEVER);
    else
        wait_begin_firm(&wait, what, job, BINE_NEVER);
    spin_lock(&job->lock);
    if (job->done) {
        spin_unlock(&job->lock);
        wait_abandon(&wait);
        return 0;
    }
    job->wait = &wait;
    int error = wait_park(&wait, commit_wait);
    if (!error)
        return 0;
    spin_lock(&job->lock);
    bool done = job->done;
    job->abandoned = !done;
    job->wait = NULL;
    spin_unlock(&job->lock);
    return done ? 0 : error;
}

/* --- the threads --- */

static void *help(void *unused)
{
    (void)unused;
    prctl(PR_SET_NAME, "bine-helper", 0, 0, 0);
    spin_lock(&helpers.lock);
    for (;;) {
        struct job *job = helpers.first;
        if (job) {
            helpers.first = job->next;
            if (!helpers.first)
                helpers.last = &helpers.first;
            helpers.queued--;
            spin_unlock(&helpers.lock);
            job->run(job);
            finish(job);
            spin_lock(&helpers.lock);
            continue;
        }
        uint32_t calls = atomic_load_explicit(&helpers.calls, memory_order_relaxed);
        helpers.idle++;
        spin_unlock(&helpers.lock);
        int result = os_calls.futex_wait(&helpers.calls, calls, clock_now() + LIFE_NS);
        spin_lock(&helpers.lock);
        helpers.idle--;
        if (result == -ETIMEDOUT && !helpers.first)
            break;
    }
    helpers.threads--;
    spin_unlock(&helpers.lock);
    return NULL;
}

/* In the child of a fork: there are none. */
static void abandon(void)
{
    helpers.lock = (struct spinlock){0};
    helpers.first = NULL;
    helpers.last = &helpers.first;
    helpers.threads = helpers.idle = helpers.queued = 0;
}

static void watch_forks(void)
{
    helpers.last = &helpers.first;
    pthread_atfork(NULL, NULL, abandon);
}

/* Lock held. Takes the job out of the queue again; false: a helper has it. */
static bool take_back(struct job *job)
{
    struct job **place = &helpers.first;
    while (*place && *place != job)
        place = &(*place)->next;
    if (!*place)
        return false;
    *place = job->next;
    if (!job->next)
        helpers.last = place;
    helpers.queued--;
    return true;
}

/* False where there is no thread for it, and none can be had: the job is the caller's to run. */
static bool submit(struct job *job)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    job->next = NULL;
    spin_lock(&helpers.lock);
    *helpers.last = job;
    helpers.last = &job->next;
    helpers.queued++;
    atomic_fetch_add_explicit(&helpers.calls, 1, memory_order_relaxed);
    bool start = helpers.queued > helpers.idle && helpers.threads < MOST;
    if (start)
        helpers.threads++;
    spin_unlock(&helpers.lock);
    if (!start) {
        os_calls.futex_wake(&helpers.calls, 1);
        return true;
    }
    if (os_start_detached(help, NULL, STACK) == 0)
        return true;
    spin_lock(&helpers.lock);
    bool run_here = --helpers.threads == 0 && take_back(job);
    spin_unlock(&helpers.lock);
    return !run_here;
}

static void run_here(struct job *job)
{
    bine_block_begin();
    job->run(job);
    bine_block_end();
}

void helper_run(struct job *job, const char *what)
{
    job->detached = job->abandoned = job->done = false;
    job->lock = (struct spinlock){0};
    job->wait = NULL;
    if (!worker_self())
        job->run(job);
    else if (submit(job))
        wait_for_job(job, what);
    else
        run_here(job);
}

int helper_run_detached(struct job *job, const char *what)
{
    job->detached = true;
    job->abandoned = job->done = false;
    job->lock = (struct spinlock){0};
    job->wait = NULL;
    if (submit(job))
        return wait_for_job(job, what);
    run_here(job);
    return 0;
}
