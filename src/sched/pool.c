/*
 * Opening and closing pools, and the default one.
 *
 * `mutex` protects the table of pools against a pool being closed under somebody who looks at it,
 * and the default pool's coming and going. A task's own pool cannot go while the task lives, so
 * tasks and workers use the table without it.
 */
#include "sched/pool.h"
#include "base/os.h"
#include "sched/cpus.h"
#include "sched/exit.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/monitor.h"
#include "sched/origin.h"
#include "sched/park.h"
#include "sched/record.h"
#include "sched/scope.h"
#include "sched/thread.h"
#include "stack/overflow.h"
#include "time/clock.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DEFAULT_STACK = 64 << 10 };

_Atomic(struct bine_pool *) pool_table[MOST_POOLS];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct bine_pool *) default_pool;
static bine_pool_options default_options;
static struct bine_pool *retired; /* pools that are closed, and may be looked at */
static char default_name[NAME_SIZE];
static _Atomic unsigned numbers_used; /* places of pool_table below this may be in use */
static struct pool_counts closed; /* what closed pools had counted */

/* --- setting the process up, once --- */

static void report_overflow(const struct stack *stack)
{
    char who[128] = "a task", site[128];
    struct worker *worker = worker_self();
    struct run *run = worker ? worker->run : NULL;
    if (!run || run->stack != stack) {
        say("stack overflow: something ran into the guard of a stack that is not its own");
        return;
    }
    describe_run(run, who, sizeof who);
    describe_address(task_site(run->task), site, sizeof site);
    say("stack overflow in %s, started at %s: its stack of %zu bytes is used up. Start it with a "
        "larger .stack_size, or set BINE_STACK or the pool's stack_size",
        who, site, stack_class_promise((int)stack->class));
}

static void abandon(void);

static void setup_once(void)
{
    runtime_begin();
    origin_note();
    runq_setup();
    overflow_install(report_overflow);
    pthread_atfork(NULL, NULL, abandon);
    atexit(exit_stop_tasks);
}

static void setup_process(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, setup_once);
}

/* --- options --- */

/* A number from `least` to `most` in the environment; 0 where there is none, with a message where
 * what stands there is something else. */
static size_t environment_number(const char *name, size_t least, size_t most)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return 0;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end || errno || strchr(text, '-') || number < least || number > most) {
        say("%s=%.40s is not a number from %zu to %zu; using the default", name, text, least, most);
        return 0;
    }
    return (size_t)number;
}

static int check_options(const bine_pool_options *options)
{
    if (options->workers > MOST_SEATS || (options->serial && options->workers > 1))
        return -EINVAL;
    if (options->stack_size && stack_class_for(options->stack_size) < 0)
        return -EINVAL;
    return 0;
}

/* Fills in what was left to bine. */
static bine_pool_options complete(const bine_pool_options *options, bool is_default)
{
    bine_pool_options full = options ? *options : (bine_pool_options){0};
    if (!full.name)
        full.name = is_default ? "default" : "pool";
    if (full.serial)
        full.workers = 1;
    if (!full.workers)
        full.workers = cpus_usable();
    if (full.workers > MOST_SEATS)
        full.workers = MOST_SEATS;
    if (!full.stack_size)
        full.stack_size = DEFAULT_STACK;
    return full;
}

static bine_pool_options complete_default(void)
{
    bine_pool_options full = default_options;
    if (!full.workers && !full.serial)
        full.workers = (unsigned)environment_number("BINE_WORKERS", 1, MOST_SEATS);
    if (!full.stack_size)
        full.stack_size = environment_number("BINE_STACK", 4096, stack_class_promise(STACK_CLASSES - 1));
    return complete(&full, true);
}

/* --- opening --- */

/* Mutex held. */
static int enter_table(struct bine_pool *pool)
{
    for (unsigned number = 0; number < MOST_POOLS; number++)
        if (!atomic_load(&pool_table[number])) {
            pool->number = number;
            atomic_store(&pool_table[number], pool);
            if (number >= atomic_load(&numbers_used))
                atomic_store(&numbers_used, number + 1);
            return 0;
        }
    return -EAGAIN;
}

static void free_pool(struct bine_pool *pool)
{
    free(pool->worker);
    free(pool);
}

static struct bine_pool *make_pool(const bine_pool_options *options)
{
    struct bine_pool *pool = NULL;
    if (posix_memalign((void **)&pool, CACHE_LINE, sizeof *pool) != 0)
        return NULL;
    memset(pool, 0, sizeof *pool);
    pool->seats_count = options->workers;
    pool->serial = options->serial;
    pool->stack_size = options->stack_size;
    pool->stack_class = stack_class_for(options->stack_size);
    snprintf(pool->name, sizeof pool->name, "%s", options->name);
    pool->worker = calloc(options->workers + MOST_SPARES, sizeof *pool->worker);
    if (!pool->worker) {
        free(pool);
        return NULL;
    }
    return pool;
}

/* Mutex held. */
static int open_pool(struct bine_pool **result, const bine_pool_options *options)
{
    setup_process();
    struct bine_pool *pool = make_pool(options);
    if (!pool)
        return -ENOMEM;
    int error = enter_table(pool);
    if (error)
        goto free;
    error = pool_start(pool);
    if (error)
        goto leave_table;
    *result = pool;
    return 0;

leave_table:
    pool_stop(pool);
    atomic_store(&pool_table[pool->number], NULL);
free:
    free_pool(pool);
    return error;
}

int bine_pool_open(bine_pool **pool, const bine_pool_options *options)
{
    if (!pool)
        return -EINVAL;
    int error = options ? check_options(options) : 0;
    if (error)
        return error;
    bine_pool_options full = complete(options, false);
    pthread_mutex_lock(&mutex);
    error = open_pool(pool, &full);
    pthread_mutex_unlock(&mutex);
    return error;
}

int bine_configure(const bine_pool_options *options)
{
    int error = options ? check_options(options) : 0;
    if (error)
        return error;
    pthread_mutex_lock(&mutex);
    if (atomic_load(&default_pool)) {
        error = -EBUSY;
    } else {
        default_options = options ? *options : (bine_pool_options){0};
        if (default_options.name) {
            snprintf(default_name, sizeof default_name, "%s", default_options.name);
            default_options.name = default_name;
        }
    }
    pthread_mutex_unlock(&mutex);
    return error;
}

struct bine_pool *pool_default(void)
{
    struct bine_pool *pool = atomic_load_explicit(&default_pool, memory_order_acquire);
    if (likely(pool != NULL))
        return pool;
    pthread_mutex_lock(&mutex);
    int error = 0;
    pool = atomic_load(&default_pool);
    if (!pool) {
        bine_pool_options full = complete_default();
        error = open_pool(&pool, &full);
        if (!error)
            atomic_store(&default_pool, pool);
    }
    pthread_mutex_unlock(&mutex);
    if (!error)
        return pool;
    errno = -error;
    return NULL;
}

/* --- closing --- */

static void interrupt_if_of_pool(struct task *task, void *context)
{
    const struct bine_pool *pool = context;
    if (task_marked(task, MARK_COVERS))
        task_cancel_covered(task, pool, pool->cancelled_at);
    uint64_t claim = atomic_load_explicit(&task->claim, memory_order_seq_cst);
    enum claim_state state = claim_state(claim);
    /* The claim's number holds as long as the wait does, and so the pool read in between. */
    if ((state == CLAIM_WAITING || state == CLAIM_PREPARE) &&
        task_stage(task) != STAGE_THREAD && task_pool(task) == pool->number)
        task_interrupt_wait(task, claim);
}

/* Cancels all tasks of the pool, those that have not started yet included. */
static void cancel_all(struct bine_pool *pool)
{
    pool->cancelled_at = clock_now();
    atomic_store_explicit(&pool->cancelled, true, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
    record_each(interrupt_if_of_pool, pool);
}

void pool_add_counts(struct bine_pool *pool, struct pool_counts *counts)
{
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    counts->started += atomic_load(&pool->submitted);
    counts->compensated += atomic_load(&pool->compensated);
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = pool_worker(pool, i);
        counts->started += atomic_load(&worker->started);
        counts->ended += atomic_load(&worker->ended);
        counts->switches += RUNQ_READ(worker->runq.picks);
        counts->steals += atomic_load(&worker->steals);
        counts->sleeps += atomic_load(&worker->sleeps);
    }
}

/* Who was about to start a task in the default pool may still look whether it is closing; in exit, a
 * task that was waiting for the pool may go on later than it is closed. What they look at stays. */
static void retire(struct bine_pool *pool)
{
    free(pool->worker);
    pool->worker = NULL;
    atomic_store(&pool->worker_count, 0);
    pthread_mutex_lock(&mutex);
    pool->next_retired = retired;
    retired = pool;
    pthread_mutex_unlock(&mutex);
}

/* Somebody who has started the last task, or made it ready, may not have left yet, nor who waited for
 * its end. In exit the latter may be a task that does not go on, or not now. */
static bool has_visitors(struct bine_pool *pool)
{
    return atomic_load_explicit(&pool->visitors, memory_order_seq_cst) > 0 ||
           (atomic_load_explicit(&pool->quiet_waiters, memory_order_seq_cst) > 0 &&
            !atomic_load_explicit(&process_ends, memory_order_relaxed));
}

static void wait_for_visitors(struct bine_pool *pool)
{
    struct backoff backoff = {0};
    while (has_visitors(pool)) {
        struct worker *worker = worker_self();
        if (worker)
            worker_yield(worker); /* it may be a task behind the caller */
        else
            backoff_pause(&backoff);
    }
}

/* No task is left and none can come. */
static void finish_closing(struct bine_pool *pool, bool is_default)
{
    pthread_mutex_lock(&mutex);
    pool_add_counts(pool, &closed);
    atomic_store(&pool_table[pool->number], NULL);
    if (is_default)
        atomic_store(&default_pool, NULL);
    pthread_mutex_unlock(&mutex);
    /* seq_cst: whoever arrives sees this, or is seen. */
    atomic_store_explicit(&pool->over, true, memory_order_seq_cst);
    wait_for_visitors(pool);
    pool_stop(pool);
    if (is_default || atomic_load_explicit(&pool->quiet_waiters, memory_order_seq_cst) > 0)
        retire(pool);
    else
        free_pool(pool);
}

int bine_pool_close_until(bine_pool *pool, bine_time deadline)
{
    struct worker *worker = worker_self();
    bool is_default = !pool || pool == atomic_load(&default_pool);
    deadline_check("bine_pool_close_until", deadline);
    if (!pool)
        pool = atomic_load(&default_pool);
    if (!pool)
        return 0;
    if (worker && worker->pool == pool)
        return -EDEADLK;
    if (atomic_exchange(&pool->closing, true))
        return -EBUSY; /* somebody else closes it */
    if (atomic_load_explicit(&process_ends, memory_order_relaxed))
        exit_let_end(pool);
    int result = pool_wait_quiet_firmly(pool, deadline);
    if (result) {
        cancel_all(pool);
        pool_wait_quiet_firmly(pool, BINE_NEVER);
    }
    finish_closing(pool, is_default);
    return result;
}

int bine_pool_close(bine_pool *pool)
{
    return bine_pool_close_until(pool, BINE_NEVER);
}

int bine_pool_wait_until(bine_pool *pool, bine_time deadline)
{
    struct worker *worker = worker_self();
    if (!pool)
        pool = atomic_load(&default_pool);
    if (!pool)
        return 0;
    if (worker && worker->pool == pool)
        return -EDEADLK;
    return pool_wait_quiet(pool, deadline);
}

int bine_pool_wait(bine_pool *pool)
{
    return bine_pool_wait_until(pool, BINE_NEVER);
}

/* --- asking --- */

bine_pool *bine_pool_self(void)
{
    struct worker *worker = worker_self();
    return worker ? worker->pool : pool_default();
}

unsigned bine_pool_workers(const bine_pool *pool)
{
    if (!pool)
        pool = pool_default();
    return pool ? pool->seats_count : 0;
}

int bine_worker(void)
{
    struct worker *worker = worker_self();
    return worker ? (int)worker->seat : -1;
}

UNCHECKED_RACE bool worker_runs_elsewhere(const struct worker *worker, const struct task *task)
{
    const struct bine_pool *pool = worker->pool;
    if (task_stage(task) == STAGE_THREAD || task_pool(task) != pool->number)
        return true;
    /* The task may have ended meanwhile, and its run be gone: the two are only compared. */
    const struct run *run = task->run;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        const struct worker *other = pool_worker(pool, i);
        if (other && other != worker && other->run == run)
            return true;
    }
    return false;
}

void bine_block_begin(void)
{
    struct worker *worker = worker_self();
    if (!worker || worker->block_depth++ > 0)
        return;
    atomic_store_explicit(&worker->blocked, true, memory_order_seq_cst);
    monitor_hurry();
}

void bine_block_end(void)
{
    struct worker *worker = worker_self();
    if (worker && worker->block_depth > 0 && --worker->block_depth == 0)
        atomic_store_explicit(&worker->blocked, false, memory_order_relaxed);
}

void pool_each(void (*visit)(struct bine_pool *pool, void *context), void *context)
{
    pthread_mutex_lock(&mutex);
    for (unsigned number = 0; number < atomic_load(&numbers_used); number++) {
        struct bine_pool *pool = atomic_load(&pool_table[number]);
        if (pool)
            visit(pool, context);
    }
    pthread_mutex_unlock(&mutex);
}

void pool_closed_counts(struct pool_counts *counts)
{
    pthread_mutex_lock(&mutex);
    *counts = closed;
    pthread_mutex_unlock(&mutex);
}

/* --- fork --- */

/*
 * In the child of a fork. One thread is left, and whatever the others held is lost: all state is
 * left behind and starts afresh on first use. A task that has forked goes on as a plain thread.
 */
static void abandon(void)
{
    for (unsigned number = 0; number < atomic_load(&numbers_used); number++) {
        struct bine_pool *pool = atomic_load(&pool_table[number]);
        if (pool)
            workers_abandon(pool);
        atomic_store(&pool_table[number], NULL);
    }
    if (worker_of_thread)
        origin_restore_timer_slack();
    if (worker_of_thread && worker_of_thread->run)
        thread_adopt(worker_of_thread->run);
    else
        thread_leave_tasks();
    worker_of_thread = NULL;
    pthread_mutex_init(&mutex, NULL);
    atomic_store(&default_pool, NULL);
    closed = (struct pool_counts){0};
    monitor_abandon();
    cancel_abandon();
    poller_abandon();
    record_abandon();
    thread_forget_records();
    stack_abandon();
    runq_setup();
    if (fork_get_hooks())
        fork_get_hooks()->abandon();
}
