/*
 * A pool's global queue: what was started or woken from outside, and what a worker's ring has no
 * room for. Ready and fresh tasks have a list each, taken from by turns, so that those that hold a
 * stack come by even if many wait for one.
 */
#include "sched/park.h"
#include "sched/pick.h"
#include "sched/pool.h"

enum { WORTH_NS = 10000 };

/* Somebody must wake where nobody is awake; else only for work that is worth it, since workers that
 * are awake come by. */
static bool needs_waking(struct bine_pool *pool)
{
    uint32_t seated = atomic_load_explicit(&pool->seated, memory_order_relaxed);
    uint32_t asleep = atomic_load_explicit(&pool->asleep, memory_order_relaxed);
    if (atomic_load_explicit(&pool->searching, memory_order_relaxed) > 0)
        return false;
    if (asleep >= seated)
        return true;
    return (asleep > 0 || seated < pool->seats_count) &&
           atomic_load_explicit(&pool->mean_run, memory_order_relaxed) *
                   (int64_t)RUNQ_READ(pool->queued) >
               WORTH_NS;
}

void pool_see_to_queue(struct bine_pool *pool)
{
    /* seq_cst: see idle_sleep(). */
    atomic_thread_fence(memory_order_seq_cst);
    if (RUNQ_READ(pool->queued) > 0 && needs_waking(pool))
        pool_wake(pool);
}

void task_list_add(struct task_list *list, struct task *task)
{
    task->next = NULL;
    if (list->last)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
}

void pool_submit(struct bine_pool *pool, enum task_kind kind, struct task_list *list)
{
    struct task_list *queue = &pool->list[kind];
    if (!list->first)
        return;
    spin_lock(&pool->lock);
    if (queue->last)
        queue->last->next = list->first;
    else
        queue->first = list->first;
    queue->last = list->last;
    queue->count += list->count;
    RUNQ_WRITE(pool->queued, RUNQ_READ(pool->queued) + list->count);
    spin_unlock(&pool->lock);
    pool_see_to_queue(pool);
}

void pool_submit_one(struct bine_pool *pool, enum task_kind kind, struct task *task)
{
    struct task_list list = {NULL, NULL, 0};
    task_list_add(&list, task);
    pool_submit(pool, kind, &list);
}

/* Lock held: cuts up to `most` tasks off the front. */
static struct task *cut(struct bine_pool *pool, enum task_kind kind, uint32_t most)
{
    struct task_list *queue = &pool->list[kind];
    uint32_t count = queue->count < most ? queue->count : most;
    struct task *first = queue->first, *last = first;
    if (count == 0)
        return NULL;
    for (uint32_t i = 1; i < count; i++)
        last = last->next;
    queue->first = last->next;
    if (!queue->first)
        queue->last = NULL;
    last->next = NULL;
    queue->count -= count;
    RUNQ_WRITE(pool->queued, RUNQ_READ(pool->queued) - count);
    return first;
}

struct task *pool_take(struct bine_pool *pool, struct worker *worker, uint32_t most)
{
    if (RUNQ_READ(pool->queued) == 0)
        return NULL;
    spin_lock(&pool->lock);
    enum task_kind kind = pool->fresh_next ? TASKS_FRESH : TASKS_READY;
    pool->fresh_next = !pool->fresh_next;
    if (pool->list[kind].count == 0)
        kind = kind == TASKS_READY ? TASKS_FRESH : TASKS_READY;
    uint32_t share = (pool->list[kind].count + pool->seats_count - 1) / pool->seats_count;
    struct task *first = cut(pool, kind, share < most ? share : most);
    spin_unlock(&pool->lock);
    if (!first)
        return NULL;
    worker_keep(worker, first->next, kind == TASKS_FRESH);
    return worker_admit(worker, first, kind == TASKS_FRESH);
}

struct task *pool_take_ready(struct bine_pool *pool)
{
    if (RUNQ_READ(pool->queued) == 0)
        return NULL;
    spin_lock(&pool->lock);
    struct task *task = cut(pool, TASKS_READY, 1);
    spin_unlock(&pool->lock);
    return task;
}
