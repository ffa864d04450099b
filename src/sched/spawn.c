/* Starting tasks. Nothing here waits, switches or runs anything, unless a scope has a limit: the
 * caller may hold any lock. */
#include "sched/fatal.h"
#include "sched/future.h"
#include "sched/park.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include "sched/thread.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COPIED = 1024 };

/* Where a new task goes, and how. */
struct start {
    struct worker *worker;  /* the caller's, NULL on a plain thread */
    struct bine_pool *pool; /* the task's */
    uintptr_t join;         /* JOIN_DETACHED, with a scope or without, or JOIN_NOBODY */
    const void *site;       /* who called */
};

static uint64_t fn_word(const struct bine_call *call, unsigned flags, unsigned pool)
{
    return (uint64_t)(uintptr_t)call->fn | (uint64_t)(call->result | flags) << 48 |
           (uint64_t)pool << TASK_POOL_SHIFT;
}

static inline void fill(struct task *task, uint64_t fn, const void *site, uintptr_t join)
{
    atomic_store_explicit(&task->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&task->site, (uint64_t)(uintptr_t)site | (uint64_t)STAGE_FRESH << 48,
                          memory_order_relaxed);
    atomic_store_explicit(&task->join, join, memory_order_relaxed);
}

/* 0 or -errno; then nothing has been started. */
static int enqueue(const struct start *start, struct task *task)
{
    struct worker *worker = start->worker;
    if (likely(worker && worker->pool == start->pool)) {
        /* Before it can end: see quiet.c. */
        counter_add(&worker->started, 1);
        int error = worker_push_fresh(worker, task);
        if (unlikely(error))
            counter_add(&worker->started, (uint64_t)-1);
        return error;
    }
    task_link(task);
    pool_submit_one(start->pool, TASKS_FRESH, task);
    return 0;
}

static void release_more(struct task_more *more)
{
    if (more && more->stack) {
        more->stack->next = NULL;
        stack_give(more->stack);
    }
    free(more);
}

/* The part of a task that a record does not hold. */
static int make_more(const bine_task_options *options, const struct bine_call *call,
                     const struct bine_pool *pool, struct task_more **result)
{
    static const bine_task_options none;
    const bine_task_options *o = options ? options : &none;
    int class = stack_class_for(o->stack_size ? o->stack_size : pool->stack_size);
    if (class < 0)
        return -ENOMEM;
    struct task_more *more = malloc(sizeof *more + o->copy_size);
    if (!more)
        return -ENOMEM;
    memcpy(more->arg, call->arg, sizeof more->arg);
    more->name = o->name;
    more->scope = o->scope;
    more->pinned = o->pinned;
    more->stack = NULL;
    if (class != pool->stack_class && !(more->stack = stack_take(class, 1))) {
        free(more);
        return -ENOMEM;
    }
    if (o->copy_size) {
        memcpy(more->copy, (const void *)call->arg[0], o->copy_size);
        more->arg[0] = (uintptr_t)more->copy;
    }
    *result = more;
    return 0;
}

/* A detached task's join has room for its scope. */
static bool fits_record(const bine_task_options *options, const struct bine_call *call,
                        uintptr_t join)
{
    return !(call->arg[3] | call->arg[4] | call->arg[5]) &&
           (!options || !(options->name || options->stack_size || options->copy_size ||
                          options->pinned || (options->scope && join == JOIN_NOBODY)));
}

static int start_task(const struct start *start, const bine_task_options *options,
                      const struct bine_call *call, struct task **result)
{
    struct task_more *more = NULL;
    unsigned flags = start->join == JOIN_NOBODY ? TASK_FUTURE : 0;
    if (unlikely(atomic_load_explicit(&start->pool->closing, memory_order_seq_cst)))
        return -EPIPE;
    if (unlikely(!fits_record(options, call, start->join))) {
        int error = make_more(options, call, start->pool, &more);
        if (error)
            return error;
        flags |= TASK_MORE | (more->stack || more->pinned ? TASK_APART : 0);
    }
    struct record_cache *records =
        likely(start->worker != NULL) ? &start->worker->records : thread_records();
    struct task *task = record_take(records);
    if (unlikely(!task)) {
        release_more(more);
        return -ENOMEM;
    }
    fill(task, fn_word(call, flags, start->pool->number), start->site, start->join);
    task->arg[0] = more ? (uintptr_t)more : call->arg[0];
    task->arg[1] = call->arg[1];
    task->arg[2] = more ? 0 : call->arg[2]; /* then it is cancelled_at */
    *result = task;
    int error = enqueue(start, task);
    if (unlikely(error)) {
        task_set_stage(task, STAGE_FREE);
        record_free(records, task);
        release_more(more);
    }
    return error;
}

static int find_pool(struct start *start, const bine_task_options *options)
{
    if (options && options->pool)
        start->pool = options->pool;
    else if (start->worker)
        start->pool = start->worker->pool;
    else if (!(start->pool = pool_default()))
        return -errno;
    return 0;
}

/* From outside the pool: it is counted before the look whether the pool is closing, so that either
 * we see that or who closes sees us. Once queued it may run, and let somebody close the pool. */
static int start_from_outside(const struct start *start, const bine_task_options *options,
                              const struct bine_call *call, struct task **result)
{
    pool_visit(start->pool);
    atomic_fetch_add_explicit(&start->pool->submitted, 1, memory_order_seq_cst);
    int error = start_task(start, options, call, result);
    if (error) {
        atomic_fetch_sub_explicit(&start->pool->submitted, 1, memory_order_seq_cst);
        pool_tell_quiet(start->pool);
    }
    pool_leave(start->pool);
    return error;
}

static inline int start_call(const bine_task_options *options, const struct bine_call *call,
                             uintptr_t join, const void *site, struct task **result)
{
    struct start start = {worker_self(), NULL, join, site};
    int error = find_pool(&start, options);
    if (unlikely(error))
        return error;
    return likely(start.worker && start.worker->pool == start.pool)
               ? start_task(&start, options, call, result)
               : start_from_outside(&start, options, call, result);
}

static int check_options(const bine_task_options *options, const struct bine_call *call)
{
    bool copies = options && options->copy_size;
    return copies && (options->copy_size > MOST_COPIED || !call->arg[0]) ? -EINVAL : 0;
}

/* With options. */
static int start_with(const bine_task_options *options, const struct bine_call *call,
                      uintptr_t join, const void *site, struct task **result)
{
    int error = check_options(options, call);
    if (unlikely(error))
        return error;
    if (!options || !options->scope)
        return start_call(options, call, join, site, result);
    error = scope_admit(options->scope);
    if (error)
        return error;
    uintptr_t tells = join == JOIN_DETACHED ? (uintptr_t)options->scope : 0;
    error = start_call(options, call, join + tells, site, result);
    if (error)
        scope_end_task((struct scope *)options->scope, 0);
    return error;
}

static inline bine_task *future_or_errno(int error, struct task *task)
{
    if (likely(!error))
        return (bine_task *)task;
    errno = -error;
    return NULL;
}

int bine_task_go_(const bine_task_options *options, struct bine_call call)
{
    struct task *task;
    return start_with(options, &call, JOIN_DETACHED, __builtin_return_address(0), &task);
}

bine_task *bine_task_async_(const bine_task_options *options, struct bine_call call)
{
    struct task *task;
    int error = start_with(options, &call, JOIN_NOBODY, __builtin_return_address(0), &task);
    return future_or_errno(error, task);
}

/* The long way to what start_small() does. */
static __attribute__((noinline)) struct task *start_small_slowly(uint64_t fn, uintptr_t join,
                                                                 const void *site, uintptr_t a,
                                                                 uintptr_t b, uintptr_t c)
{
    struct bine_call call = {(void (*)(void))(uintptr_t)(fn & ADDRESS_MASK),
                             {a, b, c},
                             (unsigned)(fn >> 48) & TASK_RESULT};
    struct task *task;
    int error = start_call(NULL, &call, join, site, &task);
    if (likely(!error))
        return task;
    errno = -error;
    return NULL;
}

/* The task is filled in and counted. */
static __attribute__((noinline)) struct task *queue_slowly(struct worker *worker, struct task *task)
{
    if (likely(worker_push_fresh(worker, task) == 0))
        return task;
    counter_add(&worker->started, (uint64_t)-1);
    task_set_stage(task, STAGE_FREE);
    record_free(&worker->records, task);
    errno = ENOMEM;
    return NULL;
}

/* The short way: from a task into its own pool, with nothing to say about it. `fn` has no pool yet.
 * What is rare is left to functions that it ends in, so that it needs no frame. NULL with errno. */
__attribute__((always_inline)) static inline struct task *
start_small(uint64_t fn, uintptr_t join, const void *site, uintptr_t a, uintptr_t b, uintptr_t c)
{
    struct worker *worker = worker_self();
    if (unlikely(!worker || !worker->records.loaded ||
                 atomic_load_explicit(&worker->pool->closing, memory_order_relaxed)))
        return start_small_slowly(fn, join, site, a, b, c);
    struct task *task = record_take(&worker->records);
    fill(task, fn | worker->pool_bits, site, join);
    task->arg[0] = a;
    task->arg[1] = b;
    task->arg[2] = c;
    counter_add(&worker->started, 1); /* before it can end: see quiet.c */
    if (likely(worker_push_fresh_easily(worker, task)))
        return task;
    return queue_slowly(worker, task);
}

static __attribute__((noinline)) int why_not(void)
{
    return -errno;
}

int bine_task_go3_(void (*fn)(void), unsigned result, uintptr_t a, uintptr_t b, uintptr_t c)
{
    uint64_t word = (uint64_t)(uintptr_t)fn | (uint64_t)result << 48;
    if (likely(start_small(word, JOIN_DETACHED, __builtin_return_address(0), a, b, c)))
        return 0;
    return why_not();
}

bine_task *bine_task_async3_(void (*fn)(void), unsigned result, uintptr_t a, uintptr_t b,
                             uintptr_t c)
{
    uint64_t word = (uint64_t)(uintptr_t)fn | (uint64_t)(result | TASK_FUTURE) << 48;
    return (bine_task *)start_small(word, JOIN_NOBODY, __builtin_return_address(0), a, b, c);
}

int bine_run_(bine_future(int) main_task)
{
    if (!main_task)
        return -errno;
    return bine_await(main_task);
}
