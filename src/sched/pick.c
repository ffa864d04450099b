/*
 * Which task runs next, and where a task goes that can run.
 *
 * The order: the slot (the task woken last, three times in a row at most), the ready ring (first in
 * first out), the newest fresh task; each GLOBAL_EVERY picks the pool's global queue. After a yield
 * the newest fresh task comes first, else a loop of yields would starve what it waits for. The
 * monitor asks for the oldest fresh task now and then, so that none is left for ever.
 *
 * Waking another worker costs 12 us here and 33 us there, so it is done only for work that is worth
 * it: queued tasks times the mean run. A searching worker is handed tasks whose mean run is longer
 * than what moving them costs. Both rules keep talkers, who run for less than a microsecond each,
 * together on one worker. So does a third: for runs shorter than 100 us, nobody is woken where
 * others leave no processor free (pool_can_use_another()).
 *
 * The mean run is the time divided by picks and wakes: with picks alone a producer that wakes its
 * consumer in vain again and again would look like a long run.
 */
#include "sched/pick.h"
#include "base/os.h"
#include "sched/exit.h"
#include "sched/monitor.h"
#include "sched/park.h"
#include "sched/pending.h"
#include "sched/pool.h"
#include "time/clock.h"
#include <errno.h>

enum {
    SLOT_STREAK = 3,         /* picks from the slot in a row */
    GLOBAL_EVERY = 61,       /* picks between two looks at the global queue */
    SAMPLE_EVERY_NS = 10000, /* about how often a busy worker reads the clock */
    WORTH_NS = 10000,        /* queued work that is worth waking a sleeper for */
    HAND_OVER_NS = 3000,     /* a mean run from which tasks are handed to a searcher */
};

/* Says how many fresh tasks there may be for worker_push_fresh_easily(): below that there is room,
 * nobody to be handed one, and nobody to be woken. */
static void bound_easy(struct worker *worker)
{
    uint32_t size = worker->runq.fresh_mask + 1;
    worker->runq.fresh_easy = worker->hand_over        ? 0
                              : worker->wake_at < size ? worker->wake_at
                                                       : size;
}

static void sample(struct worker *worker, int64_t now)
{
    uint32_t events = RUNQ_READ(worker->runq.picks) + worker->wakes;
    uint32_t count = events - worker->sampled_events;
    int64_t mean = (now - worker->sampled_at) / (count ? count : 1);
    mean = (mean + atomic_load_explicit(&worker->mean_run, memory_order_relaxed)) / 2;
    int64_t span = SAMPLE_EVERY_NS / (mean + 1);
    worker->sampled_at = now;
    worker->sampled_events = events;
    worker->pick_span = span < 1 ? 1 : span > GLOBAL_EVERY ? GLOBAL_EVERY : (int)span;
    worker->hand_over = mean > HAND_OVER_NS;
    worker->wake_at = worker->pool->seats_count > 1 ? (uint32_t)(WORTH_NS / (mean + 1)) + 1
                                                    : UINT32_MAX;
    bound_easy(worker);
    atomic_store_explicit(&worker->mean_run, mean, memory_order_relaxed);
    atomic_store_explicit(&worker->pool->mean_run, mean, memory_order_relaxed);
}

void worker_restart_clock(struct worker *worker, int64_t now)
{
    worker->sampled_at = now;
    worker->sampled_events = RUNQ_READ(worker->runq.picks) + worker->wakes;
}

/* Moves the older half of a full ring to the global queue. */
static void spill(struct worker *worker)
{
    struct task_list list = {NULL, NULL, 0};
    runq_enter(&worker->runq);
    for (int i = 0; i < RING_SIZE / 2 && (i > 0 || runq_ring_full(&worker->runq)); i++)
        task_list_add(&list, runq_pop_ready(&worker->runq));
    runq_leave(&worker->runq);
    pool_submit(worker->pool, TASKS_READY, &list);
}

/* Queues a ready task behind the others. */
static void push_back(struct worker *worker, struct task *task)
{
    runq_enter(&worker->runq);
    while (unlikely(runq_ring_full(&worker->runq))) {
        runq_leave(&worker->runq);
        spill(worker);
        runq_enter(&worker->runq);
    }
    runq_push_ready(&worker->runq, task);
    runq_leave(&worker->runq);
}

/* Puts the task into the hand of a searching worker, if there is one. A fresh one is linked. */
static bool hand_over(struct worker *worker, struct task *task)
{
    struct worker *searcher =
        atomic_load_explicit(&worker->pool->searcher, memory_order_acquire);
    struct task *open = NULL;
    /* release: pairs with the acquire exchange or load in the search. */
    return searcher && !task_marked(task, MARK_PINNED) &&
           atomic_load_explicit(&searcher->hand, memory_order_relaxed) == NULL &&
           atomic_compare_exchange_strong_explicit(&searcher->hand, &open, task,
                                                   memory_order_release, memory_order_relaxed);
}

void worker_wake_if_worth(struct worker *worker, uint32_t queued)
{
    if (likely(queued < worker->wake_at))
        return;
    int64_t mean_run = atomic_load_explicit(&worker->mean_run, memory_order_relaxed);
    if (pool_can_use_another(worker->pool, mean_run))
        pool_wake(worker->pool);
}

/* Makes the task the next one of this worker; the one that was to be goes behind the others. */
static void push_slot(struct worker *worker, struct task *task)
{
    struct runq *runq = &worker->runq;
    runq_enter(runq);
    struct task *before = RUNQ_READ(runq->slot);
    while (unlikely(before && runq_ring_full(runq))) {
        runq_leave(runq);
        spill(worker);
        runq_enter(runq);
        before = RUNQ_READ(runq->slot);
    }
    if (before)
        runq_push_ready(runq, before);
    RUNQ_WRITE(runq->slot, task);
    runq_prefetch(task);
    uint32_t queued = runq_count(runq);
    runq_leave(runq);
    worker_wake_if_worth(worker, queued);
}

/* Queues a ready task for the thread it is pinned to. */
static void push_pinned(struct task *task)
{
    struct worker *home = task->run->home;
    task->next = NULL;
    spin_lock(&home->inbox_lock);
    if (RUNQ_READ(home->inbox))
        home->inbox_last->next = task;
    else
        RUNQ_WRITE(home->inbox, task);
    home->inbox_last = task;
    spin_unlock(&home->inbox_lock);
    worker_call(home);
}

void worker_call(struct worker *worker)
{
    /* seq_cst, here and in idle_sleep(): we write want, then read the state; it writes the state,
     * then reads want. One of the two sees the other. */
    atomic_fetch_or_explicit(&worker->runq.want, WANT_LOOK, memory_order_seq_cst);
    if (atomic_load_explicit(&worker->state, memory_order_seq_cst) == WORKER_ASLEEP)
        worker_rouse(worker);
}

static struct task *take_pinned(struct worker *worker)
{
    spin_lock(&worker->inbox_lock);
    struct task *task = RUNQ_READ(worker->inbox);
    if (task)
        RUNQ_WRITE(worker->inbox, task->next);
    if (RUNQ_READ(worker->inbox))
        atomic_fetch_or_explicit(&worker->runq.want, WANT_LOOK, memory_order_relaxed);
    spin_unlock(&worker->inbox_lock);
    return task;
}

/* Queues a ready task where the caller is not one of its pool's workers, or where it is pinned. Once
 * queued it may run, and be the pool's last: a visitor keeps the pool from going. */
static void make_ready_elsewhere(struct task *task)
{
    struct bine_pool *pool = pool_of(task);
    pool_visit(pool);
    if (task_marked(task, MARK_PINNED))
        push_pinned(task);
    else
        pool_submit_one(pool, TASKS_READY, task);
    pool_leave(pool);
}

static bool is_elsewhere(const struct worker *worker, const struct task *task)
{
    return unlikely(!worker || worker->pool->number != task_pool(task) ||
                    task_marked(task, MARK_PINNED));
}

void task_make_ready(struct task *task)
{
    struct worker *worker = worker_self();
    if (is_elsewhere(worker, task)) {
        make_ready_elsewhere(task);
    } else {
        worker->wakes++;
        if (!unlikely(worker->hand_over) || !hand_over(worker, task))
            push_slot(worker, task);
    }
}

void task_make_ready_behind(struct task *task)
{
    struct worker *worker = worker_self();
    if (is_elsewhere(worker, task))
        make_ready_elsewhere(task);
    else
        push_back(worker, task);
}

void task_make_all_ready(struct task *list)
{
    while (list) {
        struct task *task = list;
        list = task->next;
        task_make_ready_behind(task);
    }
    struct worker *worker = worker_self();
    if (worker)
        worker_wake_if_worth(worker, runq_count(&worker->runq));
}

static bool push_fresh(struct worker *worker, struct task *task)
{
    runq_enter(&worker->runq);
    while (unlikely(!runq_push_fresh(&worker->runq, task))) {
        runq_leave(&worker->runq);
        worker_begin_upkeep(worker);
        int error = runq_grow(&worker->runq);
        worker_end_upkeep(worker);
        if (error)
            return false;
        bound_easy(worker);
        runq_enter(&worker->runq);
    }
    runq_leave(&worker->runq);
    return true;
}

int worker_push_fresh(struct worker *worker, struct task *task)
{
    if (unlikely(worker->hand_over)) {
        task_link(task);
        if (hand_over(worker, task))
            return 0;
        task_unlink(task);
    }
    if (!push_fresh(worker, task))
        return -ENOMEM;
    worker_wake_if_worth(worker, runq_fresh_count(&worker->runq));
    return 0;
}

static void keep_fresh(struct worker *worker, struct task *task)
{
    if (push_fresh(worker, task))
        return;
    if (task_link(task)) /* no memory to keep it here */
        pool_submit_one(worker->pool, TASKS_FRESH, task);
    else
        worker_drop_stale(worker, task);
}

void worker_keep_one(struct worker *worker, struct task *task, bool fresh)
{
    if (fresh)
        keep_fresh(worker, task);
    else
        push_back(worker, task);
}

struct task *task_reverse(struct task *list)
{
    struct task *reversed = NULL;
    while (list) {
        struct task *task = list;
        list = task->next;
        task->next = reversed;
        reversed = task;
    }
    return reversed;
}

void worker_keep(struct worker *worker, struct task *list, bool fresh)
{
    /* Of fresh ones the newest is picked first: the oldest, which has waited longest, goes last. */
    list = fresh ? task_reverse(list) : list;
    while (list) {
        struct task *task = list;
        list = task->next;
        if (fresh)
            task_unlink(task);
        worker_keep_one(worker, task, fresh);
    }
}

void worker_keep_for_later(struct worker *worker, struct task *task)
{
    task_set_stage(task, STAGE_FRESH);
    keep_fresh(worker, task);
}

void worker_drop_stale(struct worker *worker, struct task *task)
{
    if (task_move_stage(task, STAGE_TAKEN, STAGE_STARTED))
        return; /* it runs; who awaits it frees the record */
    assert(task_stage(task) == STAGE_LEFT);
    task_set_stage(task, STAGE_FREE);
    record_free(&worker->records, task);
}

void worker_drop_all_stale(struct worker *worker)
{
    struct task *task;
    runq_enter(&worker->runq);
    while ((task = runq_pop_oldest_fresh(&worker->runq)))
        worker_drop_stale(worker, task);
    runq_leave(&worker->runq);
}

struct task *worker_admit(struct worker *worker, struct task *task, bool fresh)
{
    if (!fresh)
        return task;
    if (!task_has(task, TASK_FUTURE) || task_stage(task) == STAGE_LINKED) {
        task_set_stage(task, STAGE_STARTING); /* nobody else can start it */
        return task;
    }
    if (task_move_stage(task, STAGE_FRESH, STAGE_STARTING))
        return task;
    worker_drop_stale(worker, task);
    return NULL;
}

/* Inside. A ready task by the order: slot, but not for ever, then the ring. */
static struct task *pop_ready(struct worker *worker)
{
    struct runq *runq = &worker->runq;
    struct task *task = worker->slot_streak < SLOT_STREAK ? runq_pop_slot(runq) : NULL;
    if (task) {
        worker->slot_streak++;
        return task;
    }
    worker->slot_streak = 0;
    task = runq_pop_ready(runq);
    return task ? task : runq_pop_slot(runq);
}

static bool wanted_at_pick(struct worker *worker)
{
    return unlikely(RUNQ_READ(worker->runq.want) & WANT_AT_PICK);
}

bool worker_is_due(struct worker *worker)
{
    return unlikely(--worker->countdown <= 0) || wanted_at_pick(worker);
}

struct task *worker_swap_ready(struct worker *worker, struct task *task)
{
    struct runq *runq = &worker->runq;
    /* Taking from a full ring makes the room that `task` needs; taking the slot would not. */
    struct task *next = likely(!runq_ring_full(runq)) ? pop_ready(worker) : runq_pop_ready(runq);
    if (next) {
        runq_push_ready(runq, task);
        runq_count_pick(runq);
    }
    return next;
}

struct task *worker_choose_next(struct worker *worker)
{
    if (worker_is_due(worker))
        return NULL; /* the base does what is due */
    runq_enter(&worker->runq);
    struct task *task = pop_ready(worker);
    if (task)
        runq_count_pick(&worker->runq);
    runq_leave(&worker->runq);
    return task;
}

void worker_unchoose(struct worker *worker, struct task *next)
{
    if (next)
        push_slot(worker, next);
}

/* Gives all queued tasks to the pool: the worker may not run them. */
static void flush_queues(struct worker *worker)
{
    struct runq *runq = &worker->runq;
    struct task_list ready = {NULL, NULL, 0}, fresh = {NULL, NULL, 0};
    struct task *task;
    runq_enter(runq);
    while ((task = runq_pop_slot(runq)) || (task = runq_pop_ready(runq)))
        task_list_add(&ready, task);
    while ((task = runq_pop_oldest_fresh(runq))) {
        if (task_link(task))
            task_list_add(&fresh, task);
        else
            worker_drop_stale(worker, task);
    }
    runq_leave(runq);
    pool_submit(worker->pool, TASKS_READY, &ready);
    pool_submit(worker->pool, TASKS_FRESH, &fresh);
}

/* The worker's thread is the one in exit(), which a task called. */
static bool is_leaving(const struct worker *worker)
{
    const struct task *task = atomic_load_explicit(&process_leaver, memory_order_acquire);
    return task && task->run->home == worker;
}

static bool take_from_inbox(struct worker *worker, const struct task *wanted)
{
    spin_lock(&worker->inbox_lock);
    struct task *before = NULL, *task = RUNQ_READ(worker->inbox);
    for (; task && task != wanted; task = task->next)
        before = task;
    if (task && before)
        before->next = task->next;
    else if (task)
        RUNQ_WRITE(worker->inbox, task->next);
    if (task && worker->inbox_last == task)
        worker->inbox_last = before;
    spin_unlock(&worker->inbox_lock);
    return task;
}

/* The task that called exit(), if it waited in a destructor and may go on; others stay. */
static struct task *take_leaver(struct worker *worker)
{
    if (!is_leaving(worker))
        return NULL;
    wait_run_timers(&worker->timers, clock_now());
    struct task *leaver = atomic_load_explicit(&process_leaver, memory_order_relaxed);
    return take_from_inbox(worker, leaver) ? leaver : NULL;
}

/* The program's destructors run, and no task but the one whose exit() runs them, if it was one.
 * Returns that one, or NULL where others may run, too: see exit.c. Else waits for ever. Asleep, lest
 * the monitor bring in a spare. */
static struct task *wait_for_end(struct worker *worker)
{
    struct task *leaver = NULL;
    worker_give_watch(worker); /* it may have searched */
    atomic_store_explicit(&worker->state, WORKER_ASLEEP, memory_order_seq_cst);
    for (;;) {
        atomic_store_explicit(&worker->wake_word, WAKE_NOT_YET, memory_order_seq_cst);
        if (exit_spares(worker->pool) || (leaver = take_leaver(worker)))
            break;
        if (is_leaving(worker))
            exit_leaver_waits();
        os_calls.futex_wait(&worker->wake_word, WAKE_NOT_YET,
                            is_leaving(worker) ? timers_earliest(&worker->timers) : BINE_NEVER);
    }
    atomic_store_explicit(&worker->state, WORKER_AWAKE, memory_order_seq_cst);
    monitor_arm();
    return leaver;
}

/* Does what WANT_LOOK asks for. False if the worker has no seat and may run only pinned tasks. */
static bool attend(struct worker *worker, struct task **pinned)
{
    atomic_fetch_and_explicit(&worker->runq.want, ~(uint32_t)WANT_LOOK, memory_order_acq_rel);
    if (unlikely(atomic_load_explicit(&process_ends, memory_order_relaxed)) &&
        !exit_spares(worker->pool) && (*pinned = wait_for_end(worker))) {
        atomic_fetch_or_explicit(&worker->runq.want, WANT_LOOK, memory_order_relaxed);
        return true;
    }
    *pinned = take_pinned(worker);
    if (unlikely(atomic_load_explicit(&process_leaver, memory_order_relaxed) != NULL))
        exit_note_run(*pinned);
    if (atomic_load_explicit(&worker->seated, memory_order_acquire))
        return true;
    wait_run_timers(&worker->timers, clock_now());
    /* Not for the seat's own sake: its owner, who sleeps, would come to take it back. */
    if ((*pinned || runq_count(&worker->runq)) && pool_take_seat(worker->pool, worker))
        return true;
    atomic_fetch_or_explicit(&worker->runq.want, WANT_LOOK, memory_order_relaxed);
    flush_queues(worker);
    return false;
}

static struct task *pop_oldest_fresh(struct worker *worker)
{
    atomic_fetch_and_explicit(&worker->runq.want, ~(uint32_t)WANT_OLDEST, memory_order_relaxed);
    runq_enter(&worker->runq);
    struct task *task = runq_pop_oldest_fresh(&worker->runq);
    runq_leave(&worker->runq);
    return task ? worker_admit(worker, task, true) : NULL;
}

void worker_sample(struct worker *worker)
{
    sample(worker, clock_now());
    worker->since_global += (unsigned)worker->pick_span;
    worker->countdown = worker->pick_span;
}

/* What is due now and then: the clock, timers, the global queue, what stuck workers have left in
 * theirs, keeping few stacks. */
static struct task *pick_slowly(struct worker *worker)
{
    worker_sample(worker);
    wait_run_timers(&worker->timers, worker->sampled_at);
    if (unlikely(poller_is_due(worker->sampled_at)))
        worker_poll(worker, worker->sampled_at);
    pending_take(worker->sampled_at);
    if (worker->stack_count > 2 * KEPT_STACKS)
        worker_give_stacks(worker, KEPT_STACKS);
    if (worker->since_global < GLOBAL_EVERY)
        return NULL;
    worker->since_global = 0;
    /* Nobody else may come to look there: all with a seat may be as busy. By turns, for the stuck task
     * may start others all the time. */
    worker->rescue_next =
        !worker->rescue_next &&
        unlikely(atomic_load_explicit(&worker->pool->stranded, memory_order_relaxed));
    struct task *task = worker->rescue_next ? worker_rescue(worker) : NULL;
    return task ? task : pool_take(worker->pool, worker, 1);
}

static struct task *pop_any(struct worker *worker, bool *fresh)
{
    struct runq *runq = &worker->runq;
    struct task *task = NULL;
    runq_enter(runq);
    bool fresh_first = worker->fresh_first;
    worker->fresh_first = false;
    if (!fresh_first || runq_fresh_count(runq) == 0)
        task = pop_ready(worker);
    *fresh = !task;
    if (!task)
        task = runq_pop_newest_fresh(runq);
    runq_leave(runq);
    return task;
}

/* What others want of the worker. False if it may not pick now, but for the task, if any. */
static bool heed(struct worker *worker, struct task **task)
{
    uint32_t want = RUNQ_READ(worker->runq.want);
    if (want & WANT_LOOK) {
        worker_begin_upkeep(worker);
        bool seated = attend(worker, task);
        worker_end_upkeep(worker);
        if (!seated || *task)
            return false;
    }
    return !(want & WANT_OLDEST) || !(*task = pop_oldest_fresh(worker));
}

static struct task *pick(struct worker *worker)
{
    struct task *task = NULL;
    bool fresh;
    if (wanted_at_pick(worker) && !heed(worker, &task))
        return task;
    if (unlikely(--worker->countdown <= 0)) {
        worker_begin_upkeep(worker);
        task = pick_slowly(worker);
        worker_end_upkeep(worker);
        if (task)
            return task;
    }
    while ((task = pop_any(worker, &fresh)))
        if ((task = worker_admit(worker, task, fresh)))
            return task;
    return pool_take(worker->pool, worker, RING_SIZE / 2);
}

/* A ready task from anywhere but other workers, the pinned ones first. */
static struct task *pick_ready(struct worker *worker)
{
    struct task *task = take_pinned(worker);
    if (task)
        return task;
    wait_run_timers(&worker->timers, clock_now());
    runq_enter(&worker->runq);
    task = pop_ready(worker);
    runq_leave(&worker->runq);
    return task ? task : pool_take_ready(worker->pool);
}

struct task *worker_pick_ready(struct worker *worker)
{
    struct task *task = pick_ready(worker);
    if (task)
        runq_count_pick(&worker->runq);
    return task;
}

struct task *worker_pick(struct worker *worker)
{
    struct task *task = pick(worker);
    if (task) {
        runq_count_pick(&worker->runq);
        atomic_store_explicit(&worker->yield_asked, 0, memory_order_relaxed);
    }
    return task;
}
