/*
 * Fork and join.
 *
 *               bine_fork()                    bine_join(): a call
 *    (nothing) -------------> in the deque ---------------------------> joined
 *                               |      |                                  ^
 *                        take() |      | settle()                         | bine_join() awaits
 *                               v      v                                  |
 *                   a thief's task    a task in a queue ------------------'
 *
 * 1. The deque belongs to the thread, the children to the task. So a task that may leave its thread
 *    settles: each child that it has not joined gets a task, which a queue can hold. A queue never
 *    points into a frame; the task's argument does, and is looked at once the task has been claimed
 *    to be started, for until that has ended the parent stays in the join.
 * 2. A child's apart is written by who takes it out of the deque, before the parent can know of that,
 *    and then is the parent's.
 * 3. A child that was taken and one that was settled are tasks with a future, and joined by
 *    awaiting them: in place, where nobody has started them.
 * 4. A fork cannot fail. Where there is no memory for a task or a deque, the child has no task, and
 *    its parent runs it at the join.
 * 5. What is around a child (scopes, deadline, shield) is what is around its parent when it is taken
 *    out of the deque: those settle first who change that.
 *
 * When a worker must be woken for a first child, that is done at once, but only so often: the wake
 * costs the forking side 12 us. If nobody has stolen anything from the thread since the last wake, the
 * time to the next is doubled; so small trees do not pay for helpers who come too late.
 */
#include "parallel/fork.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/monitor.h"
#include "sched/park.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include "sched/thread.h"
#include "time/clock.h"
#include <stdlib.h>
#include <string.h>

enum { CALL_GAP_NS = 250000, LONGEST_CALL_GAP_NS = 16000000 /* between two calls for helpers */ };

/* A thread that forks. */
struct forker {
    struct deque deque;                /* first: workers hold a pointer to it */
    _Atomic(struct bine_pool *) pool;  /* whose workers help; NULL: nobody */
    struct forker *next;               /* of plain threads: in `guests` */
    _Atomic bool in_use;               /* of plain threads */
    /* The owner's alone. */
    int64_t call_at; /* ns: not to call for helpers before this */
    int64_t call_gap;
    uint32_t thefts; /* at the last call */
};
static_assert(offsetof(struct forker, deque) == 0, "see deque_free()");

/* Plain threads that have forked. They are never freed but used again, so thieves may look. */
static _Atomic(struct forker *) guests;
static pthread_key_t guest_key;
static bool guest_key_made;

static_assert(offsetof(struct bine_forks_, head) == offsetof(struct deque, head) &&
                  offsetof(struct bine_forks_, limit) == offsetof(struct deque, limit) &&
                  offsetof(struct bine_forks_, split) == offsetof(struct deque, split),
              "parallel.h knows the head of a deque");

/* What a child has that has left the deque, in its private_. */
struct apart {
    struct task *task;  /* that runs it; NULL: the parent does, at the join */
    struct run *parent;
    struct cover cover; /* what is around it */
};
static_assert(sizeof(struct apart) <= sizeof((struct bine_child_ *)0)->private_, "there is room");

static struct apart *apart_of(struct bine_child_ *child)
{
    return (struct apart *)child->private_;
}

/* --- a child's call --- */

UNCHECKED_CALL static uintptr_t call_child(struct bine_child_ *child)
{
    unsigned kind = child->call.result & ((1u << BINE_CHILD_ARGS_SHIFT_) - 1);
    uintptr_t word = 0;
    if (kind == BINE_RESULT_DOUBLE_) {
        double result = BINE_CALL_CHILD_(double, child);
        memcpy(&word, &result, sizeof result);
    } else if (kind == BINE_RESULT_FLOAT_) {
        float result = BINE_CALL_CHILD_(float, child);
        memcpy(&word, &result, sizeof result);
    } else {
        word = BINE_CALL_CHILD_(uintptr_t, child);
    }
    return word;
}

/* The function of a child's own task. */
static uintptr_t run_apart(struct bine_child_ *child)
{
    struct apart *apart = apart_of(child);
    struct run *run = run_self();
    struct task *task = run->task;
    /* From here on dumps name the child's function. */
    atomic_store_explicit(&task->fn,
                          (task_fn(task) & ~ADDRESS_MASK) | (uintptr_t)child->call.fn,
                          memory_order_relaxed);
    run_begin_covered(run, apart->parent, apart->cover);
    uintptr_t result = call_child(child);
    run_end_covered(run_self());
    return result;
}

/* Makes a record the task that runs the child. */
static void fill(struct task *task, unsigned pool, struct bine_child_ *child, enum task_stage stage)
{
    atomic_store_explicit(&task->fn,
                          (uint64_t)(uintptr_t)run_apart |
                              (uint64_t)(BINE_RESULT_WORD_ | TASK_FUTURE) << 48 |
                              (uint64_t)pool << TASK_POOL_SHIFT,
                          memory_order_relaxed);
    atomic_store_explicit(&task->site, (uintptr_t)child->call.fn | (uint64_t)stage << 48,
                          memory_order_relaxed);
    atomic_store_explicit(&task->join, JOIN_NOBODY, memory_order_relaxed);
    task->arg[0] = (uintptr_t)child;
}

static void set_apart(struct bine_child_ *child, struct task *task, struct run *parent)
{
    *apart_of(child) = (struct apart){task, parent, run_cover(parent)};
}

/* --- settling --- */

static void free_record(struct record_cache *records, struct task *task)
{
    task_set_stage(task, STAGE_FREE);
    record_free(records, task);
}

/* On a worker. */
static void queue_here(struct worker *worker, struct run *run, struct bine_child_ *child)
{
    struct task *task = record_take(&worker->records);
    set_apart(child, task, run);
    if (!task)
        return;
    fill(task, worker->pool->number, child, STAGE_FRESH);
    counter_add(&worker->started, 1); /* before it can end: see quiet.c */
    if (likely(worker_push_fresh(worker, task) == 0))
        return;
    counter_add(&worker->started, (uint64_t)-1);
    free_record(&worker->records, task);
    apart_of(child)->task = NULL;
}

static void uncount_from_outside(struct bine_pool *pool)
{
    atomic_fetch_sub_explicit(&pool->submitted, 1, memory_order_seq_cst);
    pool_tell_quiet(pool);
}

/* Counts a plain thread's child as a task of the pool, before the look whether that is closing: so
 * either we see that or who closes sees us. */
static bool count_from_outside(struct bine_pool *pool)
{
    atomic_fetch_add_explicit(&pool->submitted, 1, memory_order_seq_cst);
    if (!atomic_load_explicit(&pool->closing, memory_order_seq_cst))
        return true;
    uncount_from_outside(pool);
    return false;
}

/* On a plain thread. */
static void queue_elsewhere(struct bine_pool *pool, struct run *run, struct bine_child_ *child)
{
    struct task *task = NULL;
    bool admitted = pool && count_from_outside(pool);
    if (admitted && !(task = record_take(thread_records())))
        uncount_from_outside(pool);
    set_apart(child, task, run);
    if (!task)
        return;
    fill(task, pool->number, child, STAGE_FRESH);
    task_link(task);
    pool_submit_one(pool, TASKS_FRESH, task);
}

static void settle(struct deque *deque)
{
    struct worker *worker = worker_self();
    struct run *run = run_self();
    struct bine_pool *pool = ((struct forker *)deque)->pool;
    unsigned count;
    deque_place *first = deque_clear(deque, &count);
    for (unsigned i = 0; i < count; i++) {
        struct bine_child_ *child = first[i];
        if (worker)
            queue_here(worker, run, child);
        else
            queue_elsewhere(pool, run, child);
    }
}

/* --- stealing --- */

/* A thief, and the record that is to be the child's task. */
struct theft {
    struct worker *thief;
    struct task *task;
};

/* The deque's lock is held. */
static void take(void *context, void *taken, struct run *parent)
{
    struct theft *theft = context;
    struct bine_child_ *child = taken;
    fill(theft->task, theft->thief->pool->number, child, STAGE_STARTING);
    set_apart(child, theft->task, parent);
}

/* Sees that there is something shared that is worth taking, if the owner has anything. */
static bool find_shared(struct deque *deque, bool insists)
{
    if (deque_has_shared(deque))
        return deque_has_aged(deque, clock_now());
    if (insists)
        return deque_expose(deque);
    deque_ask(deque);
    return false;
}

static struct task *rob(struct worker *thief, struct deque *deque)
{
    struct theft theft = {thief, record_take(&thief->records)};
    if (!theft.task)
        return NULL;
    if (!deque_steal(deque, take, &theft)) {
        free_record(&thief->records, theft.task);
        return NULL;
    }
    counter_add(&thief->steals, 1);
    runq_count_pick(&thief->runq);
    return theft.task;
}

static struct task *rob_worker(struct worker *thief, struct worker *victim, bool insists)
{
    struct deque *deque = atomic_load_explicit(&victim->deque, memory_order_acquire);
    struct task *task = deque && find_shared(deque, insists) ? rob(thief, deque) : NULL;
    /* That it is counted late harms nobody: its parent has not ended. */
    if (task)
        counter_add(&thief->started, 1);
    return task;
}

static struct task *rob_guest(struct worker *thief, struct forker *guest, bool insists)
{
    struct bine_pool *pool = atomic_load_explicit(&guest->pool, memory_order_relaxed);
    if (pool != thief->pool || !find_shared(&guest->deque, insists) || !count_from_outside(pool))
        return NULL;
    struct task *task = rob(thief, &guest->deque);
    if (!task)
        uncount_from_outside(pool);
    return task;
}

static struct task *steal(struct worker *thief, bool insists)
{
    struct bine_pool *pool = thief->pool;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    struct task *task = NULL;
    for (unsigned i = 1; i < count && !task; i++) {
        struct worker *victim = pool_worker(pool, (thief->index + i) % count);
        if (victim)
            task = rob_worker(thief, victim, insists);
    }
    struct forker *guest = atomic_load_explicit(&guests, memory_order_acquire);
    for (; guest && !task; guest = guest->next)
        task = rob_guest(thief, guest, insists);
    return task;
}

static bool guests_wait(const struct bine_pool *pool)
{
    struct forker *guest = atomic_load_explicit(&guests, memory_order_acquire);
    for (; guest; guest = guest->next)
        if (atomic_load_explicit(&guest->pool, memory_order_relaxed) == pool &&
            deque_has_untaken(&guest->deque))
            return true;
    return false;
}

/* In the child of a fork(2), whose one thread is the caller. What others held is lost. */
static void abandon(void)
{
    struct forker *forker = (struct forker *)deque_self();
    bool has_deque = &forker->deque != &fork_no_deque;
    atomic_store_explicit(&guests, has_deque ? forker : NULL, memory_order_relaxed);
    if (!has_deque)
        return;
    deque_abandon(&forker->deque);
    forker->next = NULL;
    atomic_store_explicit(&forker->in_use, true, memory_order_relaxed);
    atomic_store_explicit(&forker->pool, NULL, memory_order_relaxed);
}

static const struct fork_hooks hooks = {settle, steal, guests_wait, abandon};

/* --- threads that fork --- */

static struct forker *make_forker(struct bine_pool *pool)
{
    struct forker *forker = NULL;
    if (posix_memalign((void **)&forker, CACHE_LINE, sizeof *forker) != 0)
        return NULL;
    memset(forker, 0, sizeof *forker);
    deque_init(&forker->deque);
    atomic_init(&forker->pool, pool);
    forker->call_gap = CALL_GAP_NS;
    return forker;
}

static struct forker *enter_worker(struct worker *worker)
{
    struct deque *deque = atomic_load_explicit(&worker->deque, memory_order_relaxed);
    if (deque)
        return (struct forker *)deque; /* an earlier thread's of this worker */
    struct forker *forker = make_forker(worker->pool);
    if (forker)
        atomic_store_explicit(&worker->deque, &forker->deque, memory_order_release);
    return forker;
}

static void leave_guest(void *argument)
{
    struct forker *forker = argument;
    unsigned count;
    deque_clear(&forker->deque, &count);
    atomic_store_explicit(&forker->pool, NULL, memory_order_relaxed);
    bine_forks_1_ = &fork_no_deque;
    atomic_store_explicit(&forker->in_use, false, memory_order_release);
}

static struct forker *find_guest(void)
{
    struct forker *guest = atomic_load_explicit(&guests, memory_order_acquire);
    for (; guest; guest = guest->next) {
        bool in_use = false;
        if (atomic_compare_exchange_strong_explicit(&guest->in_use, &in_use, true,
                                                    memory_order_acquire, memory_order_relaxed))
            return guest;
    }
    guest = make_forker(NULL);
    if (!guest)
        return NULL;
    atomic_init(&guest->in_use, true);
    guest->next = atomic_load_explicit(&guests, memory_order_relaxed);
    /* release: pairs with the acquire in rob_guests(). */
    while (!atomic_compare_exchange_weak_explicit(&guests, &guest->next, guest,
                                                  memory_order_release, memory_order_relaxed))
        ;
    return guest;
}

static struct forker *enter_guest(void)
{
    pool_default(); /* which sets the process up */
    struct forker *guest = guest_key_made ? find_guest() : NULL;
    if (guest && pthread_setspecific(guest_key, guest) != 0) {
        atomic_store_explicit(&guest->in_use, false, memory_order_release);
        return NULL;
    }
    return guest;
}

static void set_up(void)
{
    guest_key_made = pthread_key_create(&guest_key, leave_guest) == 0;
    atomic_store_explicit(&fork_hooks, &hooks, memory_order_release);
}

/* The calling thread's first fork. NULL where there is no memory. */
static struct deque *enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    struct worker *worker = worker_self();
    struct forker *forker = worker ? enter_worker(worker) : enter_guest();
    if (!forker)
        return NULL;
    bine_forks_1_ = &forker->deque;
    return &forker->deque;
}

/* --- helpers --- */

static bool pool_searches(const struct bine_pool *pool)
{
    return atomic_load_explicit(&pool->searching, memory_order_relaxed) > 0;
}

static bool pool_sleeps(const struct bine_pool *pool)
{
    return atomic_load_explicit(&pool->asleep, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&pool->seated, memory_order_relaxed) < pool->seats_count;
}

/* Sees that somebody comes for a first child. */
static void call_helper(struct forker *forker)
{
    struct bine_pool *pool = atomic_load_explicit(&forker->pool, memory_order_relaxed);
    if (!pool || pool_searches(pool) || likely(!pool_sleeps(pool)))
        return;
    int64_t now = clock_now();
    if (now < forker->call_at)
        return;
    uint32_t thefts = atomic_load_explicit(&forker->deque.thefts, memory_order_relaxed);
    if (thefts != forker->thefts)
        forker->call_gap = CALL_GAP_NS;
    else if (forker->call_gap < LONGEST_CALL_GAP_NS)
        forker->call_gap *= 2;
    forker->thefts = thefts;
    forker->call_at = now + forker->call_gap;
    pool_wake(pool);
}

bool fork_is_wanted(void)
{
    struct deque *deque = deque_self();
    struct forker *forker = (struct forker *)deque;
    if (deque == &fork_no_deque || deque_is_asked(deque))
        return true;
    struct bine_pool *pool = atomic_load_explicit(&forker->pool, memory_order_relaxed);
    if (!pool || deque_has_untaken(deque))
        return false;
    return pool_searches(pool) || (pool_sleeps(pool) && clock_now() >= forker->call_at);
}

/* --- the public calls --- */

/* A plain thread's children are for the default pool, which may be another one by now. */
static void push_first(struct deque *deque, struct bine_child_ *child)
{
    struct forker *forker = (struct forker *)deque;
    bool guest = !worker_self();
    if (unlikely(guest))
        atomic_store_explicit(&forker->pool, pool_default(), memory_order_relaxed);
    deque_push(deque, child, run_self());
    call_helper(forker);
    if (unlikely(guest)) {
        /* Workers do so when they get up. seq_cst: the child is there, then we look whether the
         * monitor is armed; it disarms, then looks for children. */
        atomic_thread_fence(memory_order_seq_cst);
        monitor_arm();
    }
}

void bine_fork_(struct bine_child_ *child)
{
    struct deque *deque = deque_self();
    deque_place *head = atomic_load_explicit(&deque->head, memory_order_relaxed);
    if (head < atomic_load_explicit(&deque->limit, memory_order_relaxed)) {
        atomic_store_explicit(head, child, memory_order_relaxed);
        /* release: a thief that sees it sees the child. */
        atomic_store_explicit(&deque->head, head + 1, memory_order_release);
        return;
    }
    if (unlikely(deque == &fork_no_deque) && !(deque = enter())) {
        apart_of(child)->task = NULL;
        return;
    }
    if (!deque_is_empty(deque)) {
        if (likely(deque_push(deque, child, run_self())))
            return;
        settle(deque);
    }
    push_first(deque, child);
}

/* Head has been lowered. True if the child is the caller's to run. */
static bool take_back(struct deque *deque, struct bine_child_ *child)
{
    enum deque_found found = DEQUE_ABSENT;
    if (unlikely(deque == &fork_no_deque)) /* it was forked on another thread, or in want of memory */
        atomic_store_explicit(&deque->head, deque_base(deque), memory_order_relaxed);
    else
        found = deque_pop(deque, child);
    if (unlikely(found == DEQUE_OTHER))
        fatal_misuse("bine_join", "children are joined last forked first, and each once");
    return found == DEQUE_OWN || (found == DEQUE_ABSENT && !apart_of(child)->task);
}

bool fork_reclaim(struct bine_child_ *child)
{
    struct deque *deque = deque_self();
    deque_place *head = atomic_load_explicit(&deque->head, memory_order_relaxed) - 1;
    atomic_store_explicit(&deque->head, head, memory_order_relaxed);
    /* The thief's membarrier stands between his store to split and his look at head. */
    atomic_signal_fence(memory_order_seq_cst);
    return (head >= atomic_load_explicit(&deque->split, memory_order_relaxed) &&
            atomic_load_explicit(head, memory_order_relaxed) == child) ||
           take_back(deque, child);
}

uintptr_t fork_await(struct bine_child_ *child)
{
    return bine_task_await_((bine_task *)apart_of(child)->task);
}

uintptr_t bine_join_(struct bine_child_ *child)
{
    return likely(fork_reclaim(child)) ? call_child(child) : fork_await(child);
}

uintptr_t bine_join_lowered_(struct bine_child_ *child)
{
    return take_back(deque_self(), child) ? call_child(child) : fork_await(child);
}
