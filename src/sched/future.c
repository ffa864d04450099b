/*
 * Futures.
 *
 * `join` says who waits for a task's end:
 *
 *    NOBODY --commit_await()--> a wait --future_forget()--> NOBODY
 *      |                          |
 *      | future_end()             `--future_end()--> ENDING ----> ENDED
 *      `-------------------------------------------------------> ENDED
 *      `--bine_drop()--> DETACHED
 *
 * 1. A future has one owner, so at most one wait is in join; a wait of bine_await_any may be in the
 *    joins of many tasks, in one several times over counting once.
 * 2. The ender reads the wait only between ENDING and ENDED, and a waiter that finds ENDING waits
 *    for ENDED before it goes. So the wait is valid memory to the ender.
 * 3. ENDED is the ender's last touch of the record, which from then on is the owner's alone.
 */
#include "sched/future.h"
#include "sched/fatal.h"
#include "sched/park.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void task_more_free(struct task_more *more)
{
    free(more);
}

/* Tells the waiter in join, if it still waits. */
static void end_with_waiter(struct task *task, struct wait *wait)
{
    struct task *waiter = wait->task;
    bool claimed = wait_claim(wait);
    /* release: pairs with the acquire in future_has_ended(). */
    atomic_store_explicit(&task->join, JOIN_ENDED, memory_order_release);
    if (claimed)
        wait_resume(waiter);
}

void future_end(struct worker *worker, struct task *task, uintptr_t result)
{
    /* acquire: pairs with the release in bine_drop(); what its owner did comes before the reuse. */
    uintptr_t join = atomic_load_explicit(&task->join, memory_order_acquire);
    if (join_is_detached(join)) {
        future_free(worker, task);
        return;
    }
    task->result = result;
    task_set_stage(task, STAGE_ENDED);
    for (;;) {
        uintptr_t end = join == JOIN_NOBODY ? JOIN_ENDED : JOIN_ENDING;
        if (join == JOIN_DETACHED) {
            future_free(worker, task);
            return;
        }
        if (atomic_compare_exchange_weak_explicit(&task->join, &join, end, memory_order_acq_rel,
                                                  memory_order_acquire))
            break;
    }
    if (join != JOIN_NOBODY)
        end_with_waiter(task, (struct wait *)join);
}

bool future_has_ended(const struct task *task)
{
    uintptr_t join = atomic_load_explicit(&task->join, memory_order_acquire);
    struct backoff backoff = {0};
    while (join == JOIN_ENDING) {
        backoff_pause(&backoff);
        join = atomic_load_explicit(&task->join, memory_order_acquire);
    }
    return join == JOIN_ENDED;
}

/* Takes the result of an ended task and frees it. */
static uintptr_t collect(struct task *task)
{
    uintptr_t result = task->result;
    future_free(worker_self(), task);
    return result;
}

/* Puts the wait into a task's join. False if the task has ended. */
bool future_register(struct task *task, struct wait *wait)
{
    uintptr_t join = JOIN_NOBODY;
    if (atomic_compare_exchange_strong_explicit(&task->join, &join, (uintptr_t)wait,
                                                memory_order_acq_rel, memory_order_acquire) ||
        join == (uintptr_t)wait)
        return true;
    if (join != JOIN_ENDED && join != JOIN_ENDING)
        fatal_misuse("bine_await", "the future is dropped, or somebody else awaits it");
    return false;
}

/* Takes the wait out again, or waits until the ender is done with it. */
void future_forget(struct task *task, struct wait *wait)
{
    uintptr_t join = (uintptr_t)wait;
    if (!atomic_compare_exchange_strong_explicit(&task->join, &join, JOIN_NOBODY,
                                                 memory_order_acq_rel, memory_order_acquire) &&
        join == JOIN_ENDING)
        future_has_ended(task);
}

static void commit_await(void *argument)
{
    struct wait *wait = argument;
    if (wait->aborted)
        return;
    if (future_register(wait->on, wait))
        wait_commit(wait);
    else
        wait_grant(wait);
}

/* --- await in place --- */

static inline bool enough_stack(const struct run *run, const struct bine_pool *pool)
{
    char *here = __builtin_frame_address(0);
    return here - run->stack->limit >= (ptrdiff_t)pool->stack_size;
}

/* The worker's pool is the task's, which is not APART. */
static inline bool belongs_here(const struct worker *worker, const struct task *task)
{
    uint64_t differs = task_fn(task) ^ worker->pool_bits;
    return differs >> TASK_POOL_SHIFT == 0 && !(differs >> 48 & TASK_APART);
}

static inline bool may_run_in_place(const struct worker *worker, const struct task *task)
{
    const struct run *run = worker->run;
    return belongs_here(worker, task) && !run->pins && enough_stack(run, worker->pool);
}

/* Takes stale entries off the queue's new end, so that a program that never comes to pick, but
 * awaits out of order, does not pile them up. */
static void drop_stale_end(struct worker *worker)
{
    for (;;) {
        runq_enter(&worker->runq);
        struct task *newest = runq_newest_fresh(&worker->runq);
        bool stale = newest && task_stage(newest) != STAGE_FRESH;
        if (stale)
            runq_drop_newest_fresh(&worker->runq);
        runq_leave(&worker->runq);
        if (!stale)
            return;
        worker_drop_stale(worker, newest);
    }
}

/* The newest of the worker's own fresh tasks is most often the one that is awaited: nobody else can
 * start it any more once it is out of the queue. */
__attribute__((always_inline)) static inline bool take_newest(struct worker *worker, struct task *task)
{
    struct runq *runq = &worker->runq;
    runq_enter(runq);
    bool newest = runq_newest_fresh(runq) == task;
    if (!newest) {
        runq_leave(runq);
        return false;
    }
    runq_drop_newest_fresh(runq);
    runq_count_pick(runq); /* a task that awaits in place is not stuck */
    bool more = runq_fresh_count(runq) > 0;
    runq_leave(runq);
    if (unlikely(more))
        drop_stale_end(worker);
    return true;
}

/* The same for a task that is not the newest: its entry stays in a queue, and whoever meets that
 * frees the record. */
static bool run_taken(struct worker *worker, struct task *task, uintptr_t *result)
{
    if (!may_run_in_place(worker, task) || !task_move_stage(task, STAGE_FRESH, STAGE_TAKEN))
        return false;
    *result = worker_run_in_place(worker, task, true);
    if (!task_move_stage(task, STAGE_TAKEN, STAGE_LEFT))
        future_free(worker_self(), task);
    return true;
}

static __attribute__((noinline)) uintptr_t await_slowly(struct task *task)
{
    uintptr_t result;
    if (unlikely(!task))
        fatal_misuse("bine_await", "the future is NULL");
    worker_heed_budget_here();
    struct worker *worker = worker_self();
    if (worker && task_stage(task) == STAGE_FRESH && run_taken(worker, task, &result))
        return result;
    if (!future_has_ended(task)) {
        struct wait wait;
        wait_begin_firm(&wait, "task", task, BINE_NEVER);
        wait_park(&wait, commit_await);
        future_has_ended(task);
    }
    return collect(task);
}

/* --- the public calls --- */

static __attribute__((noinline)) uintptr_t await_now_and_then(struct worker *worker,
                                                              struct task *task)
{
    if (!worker || !task)
        return await_slowly(task);
    if (worker->countdown <= 0)
        worker_sample(worker);
    worker_heed_budget(worker);
    worker = worker_self();
    if (may_run_in_place(worker, task) && take_newest(worker, task))
        return worker_run_newest(worker, task);
    return await_slowly(task);
}

/* What is rare is left to functions that it ends in, so that it needs no frame. */
uintptr_t bine_task_await_(bine_task *future)
{
    struct task *task = (struct task *)future;
    struct worker *worker = worker_self();
    if (unlikely(!worker || !task || worker_asked_to_yield(worker) || --worker->countdown <= 0))
        return await_now_and_then(worker, task);
    if (likely(may_run_in_place(worker, task) && take_newest(worker, task)))
        return worker_run_newest(worker, task);
    return await_slowly(task);
}

int bine_task_await_until_(bine_task *future, void *result, size_t size, bine_time deadline)
{
    struct task *task = (struct task *)future;
    if (!task)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    if (!future_has_ended(task)) {
        if (deadline == BINE_NOW)
            return -EAGAIN;
        deadline_check("bine_await_until", deadline);
        struct wait wait;
        wait_begin(&wait, "task", task, deadline);
        atomic_thread_fence(memory_order_seq_cst); /* no lock is taken: see wait_park() */
        error = wait_park(&wait, commit_await);
        if (error)
            future_forget(task, &wait);
        if (error && !future_has_ended(task))
            return error;
    }
    uintptr_t word = collect(task);
    if (result)
        memcpy(result, &word, size);
    return 0;
}

void bine_task_drop_(bine_task *future)
{
    struct task *task = (struct task *)future;
    if (!task)
        return;
    uintptr_t join = JOIN_NOBODY;
    if (atomic_compare_exchange_strong_explicit(&task->join, &join, JOIN_DETACHED,
                                                memory_order_acq_rel, memory_order_acquire))
        return;
    if (!future_has_ended(task))
        fatal_misuse("bine_drop", "the future was dropped before, or somebody awaits it");
    collect(task);
}

void bine_task_cancel_(bine_task *future)
{
    if (future)
        task_cancel((struct task *)future);
}

/* What bine_task_await_any_ waits on: NULL entries are skipped. */
struct awaited {
    struct task *const *tasks;
    size_t count;
};

static int first_ended(const struct awaited *awaited)
{
    for (size_t i = 0; i < awaited->count; i++)
        if (awaited->tasks[i] && future_has_ended(awaited->tasks[i]))
            return (int)i;
    return -1;
}

static void forget_all(const struct awaited *awaited, struct wait *wait)
{
    for (size_t i = 0; i < awaited->count; i++)
        if (awaited->tasks[i])
            future_forget(awaited->tasks[i], wait);
}

/* Until wait_commit() an ender looks again, so the waiter and its array stay. */
static void commit_await_any(void *argument)
{
    struct wait *wait = argument;
    const struct awaited *awaited = wait->on;
    bool ended = false;
    for (size_t i = 0; i < awaited->count && !ended && !wait->aborted; i++)
        ended = awaited->tasks[i] && !future_register(awaited->tasks[i], wait);
    if (ended)
        wait_grant(wait);
    else
        wait_commit(wait);
}

int bine_task_await_any_(bine_task *const *futures, size_t count, bine_time deadline)
{
    struct awaited awaited = {(struct task *const *)futures, count};
    bool any = false;
    if (count > INT32_MAX || (count && !futures))
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        any = any || futures[i];
    if (!any)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    int index = first_ended(&awaited);
    if (index >= 0)
        return index;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check("bine_await_any_until", deadline);
    struct wait wait;
    wait_begin(&wait, "one of several tasks", &awaited, deadline);
    atomic_thread_fence(memory_order_seq_cst); /* no lock is taken: see wait_park() */
    error = wait_park(&wait, commit_await_any);
    forget_all(&awaited, &wait);
    index = first_ended(&awaited);
    return index >= 0 ? index : error;
}
