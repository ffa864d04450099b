/*
 * The end of the process.
 *
 * While the program's destructors run no task does, but for
 *
 * - the task that called exit(), if it was one: where a destructor waits, it goes on, on its thread;
 * - those of a pool that a destructor closes: they run to their ends;
 * - all, as long as the one in exit() waits for something that they may bring about: to await a
 *   task in a destructor would be to wait for ever. Who only sleeps lets nobody run.
 *
 * Workers stop in wait_for_end() in pick.c.
 */
#include "sched/exit.h"
#include <bine/task.h>

_Atomic bool process_ends;
_Atomic(struct task *) process_leaver;
static _Atomic bool tasks_run; /* the one in exit() waits */
static __thread bool thread_leaves; /* it is this one, a plain thread */

static void stop_workers(struct bine_pool *pool, void *unused)
{
    (void)unused;
    unsigned count = atomic_load(&pool->worker_count);
    for (unsigned i = 0; i < count; i++)
        atomic_fetch_or(&pool_worker(pool, i)->runq.want, WANT_LOOK);
}

static void rouse_workers(struct bine_pool *pool, void *unused)
{
    (void)unused;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++)
        worker_rouse(pool_worker(pool, i));
}

void exit_stop_tasks(void)
{
    struct worker *worker = worker_self();
    if (worker) {
        bine_pin();
        /* release: pairs with the acquire in is_leaving(). */
        atomic_store_explicit(&process_leaver, worker->run->task, memory_order_release);
    } else {
        thread_leaves = true;
    }
    /* seq_cst: see enter_thread() in idle.c. */
    atomic_store_explicit(&process_ends, true, memory_order_seq_cst);
    pool_each(stop_workers, NULL);
}

bool exit_spares(struct bine_pool *pool)
{
    /* seq_cst, here and below, and in pool_stop(): a worker writes its wake word, then looks; they
     * write what it looks at, then the word. */
    return atomic_load_explicit(&pool->closed_at_exit, memory_order_seq_cst) ||
           atomic_load_explicit(&pool->stopping, memory_order_seq_cst) ||
           atomic_load_explicit(&tasks_run, memory_order_seq_cst);
}

void exit_let_end(struct bine_pool *pool)
{
    atomic_store_explicit(&pool->closed_at_exit, true, memory_order_seq_cst);
    rouse_workers(pool, NULL);
}

/* One that waits for nothing sleeps; one that waits for a pool to be closed has seen to that. */
static bool waits_for_tasks(const void *on)
{
    for (unsigned i = 0; on && i < MOST_POOLS; i++) {
        struct bine_pool *pool = atomic_load_explicit(&pool_table[i], memory_order_relaxed);
        if (pool == on)
            return !atomic_load_explicit(&pool->closed_at_exit, memory_order_relaxed);
    }
    return on != NULL;
}

static void let_run(void)
{
    atomic_store_explicit(&tasks_run, true, memory_order_seq_cst);
    pool_each(rouse_workers, NULL);
}

bool exit_wait_begins(const void *on)
{
    if (likely(!thread_leaves) || !waits_for_tasks(on))
        return false;
    let_run();
    return true;
}

void exit_wait_ends(void)
{
    atomic_store_explicit(&tasks_run, false, memory_order_seq_cst);
    pool_each(stop_workers, NULL);
}

void exit_leaver_waits(void)
{
    const struct task *leaver = atomic_load_explicit(&process_leaver, memory_order_relaxed);
    if (waits_for_tasks(leaver->run->waits_on))
        let_run();
}

void exit_note_run(const struct task *task)
{
    if (task && task == atomic_load_explicit(&process_leaver, memory_order_relaxed))
        exit_wait_ends();
}
