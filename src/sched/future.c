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
#include "sched/thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void task_more_free(struct task_more *more)
{
    free(more);
}

static void free_record(struct worker *worker, struct task *task)
{
    task_set_stage(task, STAGE_FREE);
    record_free(worker ? &worker->records : thread_records(), task);
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
        free_record(worker, task);
        return;
    }
    task->result = result;
    task_set_stage(task, STAGE_ENDED);
    for (;;) {
        uintptr_t end = join == JOIN_NOBODY ? JOIN_ENDED : JOIN_ENDING;
        if (join == JOIN_DETACHED) {
            free_record(worker, task);
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
    free_record(worker_self(), task);
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

static bool enough_stack(const struct run *run, const struct bine_pool *pool)
{
    char *here = __builtin_frame_address(0);
    return here - run->stack->limit >= (ptrdiff_t)pool->stack_size;
}

static bool may_run_in_place(const struct worker *worker, const struct task *task)
{
    const struct run *run = worker->run;
    return task_pool(task) == worker->pool->number && !task_has(task, TASK_APART) && !run->pins &&
           enough_stack(run, worker->pool);
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
static bool take_newest(struct worker *worker, struct task *task)
{
    runq_enter(&worker->runq);
    bool newest = runq_newest_fresh(&worker->runq) == task;
    if (newest) {
        runq_drop_newest_fresh(&worker->runq);
        runq_count_pick(&worker->runq); /* a task that awaits in place is not stuck */
    }
    bool more = runq_fresh_count(&worker->runq) > 0;
    runq_leave(&worker->runq);
    if (unlikely(newest && more))
        drop_stale_end(worker);
    return newest;
}

/* True if the task was run here: *result is its result, and it is gone. */
static bool run_in_place(struct worker *worker, struct task *task, uintptr_t *result)
{
    if (task_stage(task) != STAGE_FRESH || !may_run_in_place(worker, task))
        return false;
    bool alone = take_newest(worker, task);
    if (alone)
        task_set_stage(task, STAGE_STARTING);
    else if (!task_move_stage(task, STAGE_FRESH, STAGE_TAKEN))
        return false;
    if (unlikely(--worker->countdown <= 0))
        worker_sample(worker);
    *result = worker_run_in_place(worker, task);
    /* Else an entry is left in a queue, and whoever meets that frees the record. */
    if (alone || !task_move_stage(task, STAGE_TAKEN, STAGE_LEFT))
        free_record(worker_self(), task);
    return true;
}

/* --- the public calls --- */

uintptr_t bine_task_await_(bine_task *future)
{
    struct task *task = (struct task *)future;
    struct worker *worker = worker_self();
    uintptr_t result;
    if (unlikely(!task))
        fatal_misuse("bine_await", "the future is NULL");
    if (likely(worker != NULL)) {
        worker_heed_budget(worker);
        worker = worker_self();
        if (run_in_place(worker, task, &result))
            return result;
    }
    if (!future_has_ended(task)) {
        struct wait wait;
        wait_begin_firm(&wait, "task", task, BINE_NEVER);
        wait_park(&wait, commit_await);
        future_has_ended(task);
    }
    return collect(task);
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
