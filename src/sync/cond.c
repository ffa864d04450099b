/*
 * Condition variable: two words, a line of waits.
 *
 * 1. A waiter joins the line before it unlocks the mutex, and both are done once its stack is at
 *    rest. So a signal that comes after the unlock finds it.
 * 2. A signal goes to the first in line that has not given up: whom it claims returns 0, whatever
 *    comes after.
 * 3. Who was signalled does not wake to find the mutex locked: it is put into the mutex's line, and
 *    woken when its turn comes. So those signalled get the mutex in that order, and a broadcast
 *    wakes one at a time.
 * 4. Unlocking the list is the last touch of who signals; a signalled waiter's is its commit. So
 *    the condition variable may go once all that waited for it have been signalled.
 */
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/mutex.h"
#include "sync/waitlist.h"
#include <errno.h>

struct cond {
    struct waitline line;
};
_Static_assert(sizeof(struct cond) == sizeof(bine_cond), "two words");

struct cond_wait {
    struct wait wait;    /* for the signal */
    struct wait further; /* for the mutex, once signalled */
    bine_mutex *mutex;   /* constant */
};

static struct cond *cond_of(bine_cond *cond)
{
    return (struct cond *)cond;
}

static struct cond_wait *cond_wait_of(struct wait *wait)
{
    return container_of(wait, struct cond_wait, wait);
}

static void commit_wait(void *argument)
{
    struct wait *wait = argument;
    /* First the mutex: once this can be claimed, its waiter may be the owner again. */
    struct task *next = mutex_release(cond_wait_of(wait)->mutex, wait->task);
    waitline_commit(wait);
    if (next)
        wait_resume(next);
}

static int wait_in_line(struct cond *cond, bine_mutex *mutex, bine_time deadline)
{
    struct cond_wait waiter;
    waiter.mutex = mutex;
    wait_begin(&waiter.wait, "condition", cond, deadline);
    waitlist_lock(&cond->line.word);
    waitlist_append(&cond->line.list, &waiter.wait);
    int error = wait_park(&waiter.wait, commit_wait);
    if (error) {
        waitline_leave(&cond->line, &waiter.wait);
        bine_lock(mutex);
    } else {
        mutex_lock_passed(mutex, &waiter.further);
    }
    return error;
}

static int wait_until(bine_cond *cond, bine_mutex *mutex, bine_time deadline, const char *call)
{
    worker_heed_budget_here();
    struct run *run = run_self();
    if (!mutex_is_held_by(mutex, run->task))
        fatal_misuse(call, "the caller does not hold the mutex");
    int error = run_check(run);
    if (error)
        return error;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check(call, deadline);
    return wait_in_line(cond_of(cond), mutex, deadline);
}

int bine_cond_wait(bine_cond *cond, bine_mutex *mutex)
{
    return wait_until(cond, mutex, BINE_NEVER, "bine_cond_wait");
}

int bine_cond_wait_until(bine_cond *cond, bine_mutex *mutex, bine_time deadline)
{
    return wait_until(cond, mutex, deadline, "bine_cond_wait_until");
}

/* Whoever waits had the list locked before it let go of the mutex: who has changed the condition
 * since, the mutex locked, sees at least that. */
static bool nobody_waits(struct cond *cond)
{
    return atomic_load_explicit(&cond->line.word, memory_order_relaxed) == 0;
}

static void pass(struct wait *claimed)
{
    while (claimed) {
        struct cond_wait *waiter = cond_wait_of(claimed);
        claimed = claimed->next;
        mutex_pass_waiter(waiter->mutex, &waiter->wait, &waiter->further);
    }
}

void bine_cond_signal(bine_cond *object)
{
    struct cond *cond = cond_of(object);
    if (nobody_waits(cond))
        return;
    waitlist_lock(&cond->line.word);
    struct wait *claimed = waitlist_claim_first(&cond->line.list);
    waitlist_unlock(&cond->line.word, &cond->line.list);
    if (claimed)
        claimed->next = NULL;
    pass(claimed);
}

void bine_cond_broadcast(bine_cond *object)
{
    struct cond *cond = cond_of(object);
    if (nobody_waits(cond))
        return;
    waitlist_lock(&cond->line.word);
    struct wait *claimed = waitlist_claim_all(&cond->line.list);
    waitlist_unlock(&cond->line.word, &cond->line.list);
    pass(claimed);
}
