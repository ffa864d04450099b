/*
 * Waiting for a pool to have no task left.
 *
 * Starting and ending a task are counted by each worker for itself, with plain stores; so nobody
 * sees the last task end. But its worker, finding nothing more to run, adds the counters up before
 * it sleeps if somebody waits.
 *
 * Ended first, started second: each task is counted as started before it can be counted as ended,
 * so equal sums mean that there was a moment without any.
 *
 * Who waits is counted in quiet_waiters before it looks at anything, and who closes the pool says
 * that it is over, then waits until nobody is counted, before workers and pool go.
 */
#include "sched/park.h"
#include "sched/pool.h"
#include <errno.h>

bool pool_is_quiet(const struct bine_pool *pool)
{
    uint64_t ended = 0, started = 0;
    atomic_thread_fence(memory_order_seq_cst); /* what the caller has announced comes first */
    if (atomic_load_explicit(&pool->over, memory_order_acquire))
        return true;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        ended += atomic_load_explicit(&pool_worker(pool, i)->ended, memory_order_acquire);
    started += atomic_load_explicit(&pool->submitted, memory_order_acquire);
    /* A place that came in between has started some, too. */
    count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        started += atomic_load_explicit(&pool_worker(pool, i)->started, memory_order_acquire);
    return ended == started;
}

/* Quiet lock held. Takes all waits out that can be claimed, as a list by prev. */
static struct wait *claim_all(struct bine_pool *pool)
{
    struct wait *claimed = NULL;
    while (pool->quiet_waits) {
        struct wait *wait = pool->quiet_waits;
        pool->quiet_waits = wait->next;
        if (wait_claim(wait)) {
            wait->prev = claimed;
            claimed = wait;
        }
    }
    return claimed;
}

void pool_tell_quiet(struct bine_pool *pool)
{
    /* seq_cst, here and in arrive(): we have counted, then look for waiters; they come, then look
     * at the counters. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&pool->quiet_waiters, memory_order_relaxed) == 0 ||
        !pool_is_quiet(pool))
        return;
    /* Once more: those in the list may have come since, and with them new tasks. */
    spin_lock(&pool->quiet_lock);
    struct wait *claimed = pool_is_quiet(pool) ? claim_all(pool) : NULL;
    spin_unlock(&pool->quiet_lock);
    while (claimed) {
        struct task *task = claimed->task;
        claimed = claimed->prev;
        wait_resume(task);
    }
}

static void commit_quiet(void *argument)
{
    struct wait *wait = argument;
    struct bine_pool *pool = wait->on;
    wait_commit(wait);
    spin_unlock(&pool->quiet_lock);
}

static void leave_list(struct bine_pool *pool, struct wait *wait)
{
    spin_lock(&pool->quiet_lock);
    for (struct wait **at = &pool->quiet_waits; *at; at = &(*at)->next)
        if (*at == wait) {
            *at = wait->next;
            break;
        }
    spin_unlock(&pool->quiet_lock);
}

static void arrive(struct bine_pool *pool)
{
    atomic_fetch_add_explicit(&pool->quiet_waiters, 1, memory_order_seq_cst);
}

/* The last touch of the pool. */
static int depart(struct bine_pool *pool, int result)
{
    /* release: pairs with the load in wait_for_visitors(). */
    atomic_fetch_sub_explicit(&pool->quiet_waiters, 1, memory_order_release);
    return result;
}

static int wait_quiet(struct bine_pool *pool, struct wait *wait)
{
    spin_lock(&pool->quiet_lock);
    if (pool_is_quiet(pool)) {
        spin_unlock(&pool->quiet_lock);
        wait_abandon(wait);
        return 0;
    }
    wait->next = pool->quiet_waits;
    pool->quiet_waits = wait;
    int result = wait_park(wait, commit_quiet);
    if (result)
        leave_list(pool, wait);
    return result;
}

int pool_wait_quiet(struct bine_pool *pool, int64_t deadline)
{
    struct wait wait;
    int error = run_check(run_self());
    if (error)
        return error;
    arrive(pool);
    if (pool_is_quiet(pool))
        return depart(pool, 0);
    if (deadline == BINE_NOW)
        return depart(pool, -EAGAIN);
    deadline_check("bine_pool_wait_until", deadline);
    wait_begin(&wait, "pool", pool, deadline);
    return depart(pool, wait_quiet(pool, &wait));
}

int pool_wait_quiet_firmly(struct bine_pool *pool, int64_t deadline)
{
    struct wait wait;
    arrive(pool);
    if (pool_is_quiet(pool))
        return depart(pool, 0);
    wait_begin_firm(&wait, "pool", pool, deadline);
    return depart(pool, wait_quiet(pool, &wait));
}
