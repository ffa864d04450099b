/*
 * A worker with nothing of its own to run: it searches for a while, then sleeps.
 *
 * A searcher looks at the global queue and at other workers' queues, and holds its hand open:
 * workers whose tasks run long put new ones straight into it. Woken for some work, it searches for as
 * long as waking it again would cost (50 us). Out of work, it does so where that paid of late: it got
 * something from another worker, found something only after a while, or was woken so soon after it
 * lay down that a longer search would have. After each search in vain it is half as long, and below
 * 4 us a mere look around: a worker that spins in vain after it has woken a plain thread keeps that
 * from the processor, where both are on one.
 *
 * One idle worker watches the poller: it asks again and again while it searches, and sleeps there.
 * Two that ask disturb each other, and take the processor from who is to send the next request.
 */
#include "sched/worker.h"
#include "sched/future.h"
#include "base/os.h"
#include "sched/exit.h"
#include "sched/fork.h"
#include "sched/monitor.h"
#include "sched/park.h"
#include "sched/pending.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "stack/overflow.h"
#include "time/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SPIN_NS = 50000,        /* a search after a find; also what a wake-up costs */
    LEAST_SPIN_NS = 4000,
    SHORT_RUN_NS = 20000,   /* mean run of a worker that comes by soon again */
    PROMISE_NS = 150000,    /* a busy worker asks the poller each 100 us */
    LAST_STACKS = 4,        /* free stacks a sleeping worker keeps */
    STARVED_NS = 1000000,   /* between two tries to get memory for a stack */
    BASE_STACK = 256 << 10, /* of a worker's thread */
};

/* ns: until when a worker that is awake says that it will ask the poller again. Others need not lie down
 * there, where the next event would wake them, on top of that worker. A hint, which the monitor takes
 * back where it is not kept. */
static _Atomic int64_t polled_until;

/* C++: the caught-exception state of the calling thread, where the program has a C++ runtime. */
extern void *__cxa_get_globals(void) __attribute__((weak));

/* --- searching --- */

static struct task *accept_loot(struct worker *worker, struct loot *loot, int count)
{
    counter_add(&worker->steals, (uint64_t)count);
    /* Of fresh ones the newest is picked first: the oldest, which has waited longest, goes last. */
    for (int i = 1; i < count; i++)
        worker_keep_one(worker, loot->task[loot->fresh ? count - i : i], loot->fresh);
    return worker_admit(worker, loot->task[0], loot->fresh);
}

static struct task *steal(struct worker *worker)
{
    struct bine_pool *pool = worker->pool;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 1; i <= count; i++) {
        struct worker *victim = pool_worker(pool, (worker->index + i) % count);
        if (victim == worker || !victim || runq_count(&victim->runq) == 0)
            continue;
        int taken = runq_rob(&victim->runq, &worker->loot);
        struct task *task = taken > 0 ? accept_loot(worker, &worker->loot, taken) : NULL;
        if (task)
            return task;
    }
    return fork_steal(worker, false);
}

struct task *worker_rescue(struct worker *worker)
{
    struct bine_pool *pool = worker->pool;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        struct worker *victim = pool_worker(pool, i);
        if (victim == worker || atomic_load_explicit(&victim->seated, memory_order_relaxed) ||
            runq_count(&victim->runq) == 0)
            continue;
        int taken = runq_rob(&victim->runq, &worker->loot);
        if (taken > 0)
            return accept_loot(worker, &worker->loot, taken);
    }
    return NULL;
}

/* Opens the hand, if no other worker's is. Only then: who still has this worker's name from an
 * earlier search finds it closed, and what he has put into an open one is never overwritten. */
static void open_hand(struct worker *worker)
{
    struct worker *nobody = NULL;
    /* release: pairs with the acquire in hand_over(). */
    if (atomic_compare_exchange_strong_explicit(&worker->pool->searcher, &nobody, worker,
                                                memory_order_release, memory_order_relaxed))
        atomic_store_explicit(&worker->hand, NULL, memory_order_relaxed);
}

/* Closes it and returns what was put in, or NULL. */
static struct task *close_hand(struct worker *worker)
{
    struct worker *self = worker;
    atomic_compare_exchange_strong_explicit(&worker->pool->searcher, &self, NULL,
                                            memory_order_relaxed, memory_order_relaxed);
    /* acquire: pairs with the release in hand_over(). */
    struct task *task =
        atomic_exchange_explicit(&worker->hand, HAND_CLOSED, memory_order_acquire);
    return task == HAND_CLOSED ? NULL : task;
}

/* Another task may have been found at the same time: then that one runs first. */
static struct task *take_handed(struct worker *worker, struct task *handed, struct task *found)
{
    bool fresh = task_is_fresh(handed);
    if (!found)
        return worker_admit(worker, handed, fresh);
    if (fresh)
        task_unlink(handed);
    worker_keep_one(worker, handed, fresh);
    return found;
}

static bool handed_something(const struct worker *worker)
{
    struct task *task = atomic_load_explicit(&worker->hand, memory_order_relaxed);
    return task && task != HAND_CLOSED;
}

void worker_poll(struct worker *worker, int64_t now)
{
    poller_wait(&worker->batch, BINE_NOW);
    poller_deliver(&worker->batch);
    if (atomic_load_explicit(&worker->mean_run, memory_order_relaxed) < SHORT_RUN_NS)
        atomic_store_explicit(&polled_until, now + PROMISE_NS, memory_order_relaxed);
}

void worker_forget_promise(void)
{
    atomic_store_explicit(&polled_until, 0, memory_order_relaxed);
}

/* The right to watch the poller, where it is open, of a worker with a seat. */
static bool take_watch(struct worker *worker)
{
    worker->watches = poller_is_open() &&
                      atomic_load_explicit(&worker->seated, memory_order_relaxed) &&
                      poller_take_watch();
    return worker->watches;
}

void worker_give_watch(struct worker *worker)
{
    if (worker->watches)
        poller_give_watch();
    worker->watches = false;
}

/* What is here without another worker's doing: its own, or from outside the pool. */
static struct task *look_at_own(struct worker *worker, int64_t now)
{
    wait_run_timers(&worker->timers, now);
    if (worker->watches)
        worker_poll(worker, now);
    return runq_count(&worker->runq) || (RUNQ_READ(worker->runq.want) & WANT_AT_PICK) ||
                   RUNQ_READ(worker->pool->queued)
               ? worker_pick(worker)
               : NULL;
}

/* The worker is counted in pool->searching. */
static struct task *search(struct worker *worker, int64_t span)
{
    int64_t now = clock_now(), end = now + span;
    worker_begin_upkeep(worker);
    take_watch(worker);
    open_hand(worker);
    struct task *task = look_at_own(worker, now);
    bool at_once = task != NULL;
    while (!task && !(task = steal(worker)) && !handed_something(worker) &&
           (now = clock_now()) < end) {
        cpu_relax();
        task = look_at_own(worker, now);
    }
    if (worker->watches && !task)
        worker_forget_promise();
    worker_give_watch(worker);
    if (!task && !handed_something(worker))
        task = fork_steal(worker, true);

    struct task *handed = close_hand(worker);
    atomic_fetch_sub_explicit(&worker->pool->searching, 1, memory_order_relaxed);
    if (handed)
        task = take_handed(worker, handed, task);
    if (!task)
        worker->spin_ns = worker->spin_ns < 2 * LEAST_SPIN_NS ? 0 : worker->spin_ns / 2;
    else if (!at_once)
        worker->spin_ns = SPIN_NS;
    worker_restart_clock(worker, clock_now());
    worker_end_upkeep(worker);
    return task;
}

/* At most half of the workers search at a time. */
static bool may_search(struct worker *worker)
{
    struct bine_pool *pool = worker->pool;
    if (!atomic_load_explicit(&worker->seated, memory_order_relaxed))
        return false;
    if (atomic_fetch_add_explicit(&pool->searching, 1, memory_order_relaxed) * 2 <
        pool->seats_count)
        return true;
    atomic_fetch_sub_explicit(&pool->searching, 1, memory_order_relaxed);
    return false;
}

/* --- sleeping --- */

static bool work_in_sight(struct worker *worker)
{
    struct bine_pool *pool = worker->pool;
    if (RUNQ_READ(worker->inbox) || runq_count(&worker->runq) ||
        atomic_load_explicit(&pool->stopping, memory_order_relaxed))
        return true;
    if (!atomic_load_explicit(&worker->seated, memory_order_relaxed))
        return false; /* the rest is for those with a seat */
    if ((RUNQ_READ(worker->runq.want) & WANT_AT_PICK) || RUNQ_READ(pool->queued))
        return true;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        const struct worker *other = pool_worker(pool, i);
        /* A slot is its owner's business. */
        if (other && runq_ready_count(&other->runq) + runq_fresh_count(&other->runq))
            return true;
    }
    return false;
}

void worker_rouse(struct worker *worker)
{
    /* release: pairs with the acquire in sleep_until_called() and sleep_in_poller(). acquire: with the
     * release there, for the poller that is to be kicked was opened before. */
    uint32_t before =
        atomic_exchange_explicit(&worker->wake_word, WAKE_CALLED, memory_order_acq_rel);
    if (before == WAKE_NOT_YET)
        os_calls.futex_wake(&worker->wake_word, 1);
    else if (before == WAKE_BY_POLLER)
        poller_kick();
}

static void sleep_until_called(struct worker *worker, int64_t deadline)
{
    counter_add(&worker->sleeps, 1);
    while (atomic_load_explicit(&worker->wake_word, memory_order_acquire) == WAKE_NOT_YET)
        if (os_calls.futex_wait(&worker->wake_word, WAKE_NOT_YET, deadline) == -ETIMEDOUT)
            return;
}

/* The same in the poller; events, fetched and not delivered, end it, too. */
static void sleep_in_poller(struct worker *worker, int64_t deadline)
{
    uint32_t asleep = WAKE_NOT_YET;
    counter_add(&worker->sleeps, 1);
    if (atomic_compare_exchange_strong_explicit(&worker->wake_word, &asleep, WAKE_BY_POLLER,
                                                memory_order_acq_rel, memory_order_acquire))
        poller_wait(&worker->batch, deadline);
    worker_give_watch(worker);
}

/* The worker lies. False while another one of the pool, which does not, asks the poller. */
static bool should_watch(const struct worker *worker)
{
    const struct bine_pool *pool = worker->pool;
    return atomic_load_explicit(&pool->asleep, memory_order_relaxed) >=
               atomic_load_explicit(&pool->seated, memory_order_relaxed) ||
           worker->sampled_at >= atomic_load_explicit(&polled_until, memory_order_relaxed);
}

/* Sleeps until there may be work. True if the waker has counted the worker as searching. */
static bool idle_sleep(struct worker *worker, int64_t limit)
{
    struct bine_pool *pool = worker->pool;
    int64_t deadline = timers_earliest(&worker->timers);
    if (deadline > limit)
        deadline = limit;
    if (worker->stack_count > 2 * LAST_STACKS)
        worker_give_stacks(worker, LAST_STACKS);
    pending_take(BINE_NEVER);
    worker->batch.count = 0;
    atomic_store_explicit(&worker->wake_word, WAKE_NOT_YET, memory_order_relaxed);
    worker_restart_clock(worker, clock_now());
    pool_lie_down(pool, worker);
    /* seq_cst, here and in pool_submit() and worker_call(): we lie down, then look; they queue,
     * then look for who lies down. One of the two sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&worker->seated, memory_order_relaxed))
        pool_see_to_queue(pool); /* it may have lost its seat while it searched */
    if (!work_in_sight(worker)) {
        if (should_watch(worker) && take_watch(worker))
            sleep_in_poller(worker, deadline);
        else
            sleep_until_called(worker, deadline);
    }
    bool counted = pool_get_up(pool, worker);
    int64_t now = clock_now();
    if (now - worker->sampled_at < SPIN_NS)
        worker->spin_ns = SPIN_NS;
    worker_restart_clock(worker, now);
    monitor_arm();
    poller_deliver(&worker->batch);
    return counted;
}

/* --- the thread --- */

/* No memory for a stack: the task waits in its queue, and those that have a stack go on. */
static struct task *starve(struct worker *worker, struct task *task)
{
    worker_keep_for_later(worker, task);
    struct task *ready = worker_pick_ready(worker);
    if (!ready) {
        atomic_store_explicit(&worker->wake_word, WAKE_NOT_YET, memory_order_relaxed);
        sleep_until_called(worker, clock_now() + STARVED_NS);
    }
    return ready;
}

/* True if the worker may end. One that still has something here, a timer or a pinned task, is asked
 * again after as long. */
static bool is_spare_for_long(struct worker *worker, int64_t *since)
{
    if (atomic_load_explicit(&worker->seated, memory_order_relaxed) ||
        clock_now() - *since < SPARE_LIFE_NS)
        return false;
    *since = clock_now();
    return pool_dismiss(worker->pool, worker);
}

static void run_base(struct worker *worker)
{
    bool counted = pool_come_in(worker->pool, worker);
    int64_t idle_since = clock_now();
    while (!atomic_load_explicit(&worker->pool->stopping, memory_order_acquire)) {
        struct task *task = NULL;
        if (counted || !(task = worker_pick(worker)))
            if (counted || may_search(worker))
                task = search(worker, counted ? SPIN_NS : worker->spin_ns);
        counted = false;
        bool starves = task && task_needs_start(task) && !worker_has_stack(worker);
        if (starves)
            task = starve(worker, task);
        if (task) {
            worker_run(worker, task);
            idle_since = clock_now();
        } else if (!starves) {
            pool_tell_quiet(worker->pool);
            if (is_spare_for_long(worker, &idle_since))
                return;
            bool spare = !atomic_load_explicit(&worker->seated, memory_order_relaxed);
            counted = idle_sleep(worker, spare ? idle_since + SPARE_LIFE_NS : BINE_NEVER);
        }
    }
}

static void enter_thread(struct worker *worker)
{
    char text[64];
    worker_of_thread = worker;
    worker->errno_at = &errno;
    worker->exceptions_at = __cxa_get_globals ? __cxa_get_globals() : NULL;
    worker->run = NULL;
    worker->spin_ns = SPIN_NS;
    int tid = (int)syscall(SYS_gettid);
    /* relaxed: one who reads the old number asks for a thread that has ended. */
    atomic_store_explicit(&worker->tid, tid, memory_order_relaxed);
    fiber_adopt_thread(&worker->base_fiber);
    overflow_enter_thread(worker->alternate_stack);
    prctl(PR_SET_NAME, worker->pool->name, 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    snprintf(text, sizeof text, "/proc/self/task/%d/syscall", tid);
    atomic_store(&worker->syscall_fd, os_move_from_standard(open(text, O_RDONLY | O_CLOEXEC)));
    /* seq_cst, here and in exit_stop_tasks(): it says that the process ends, then looks for workers; this
     * one is in its pool's table, then looks. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&process_ends, memory_order_relaxed))
        atomic_fetch_or_explicit(&worker->runq.want, WANT_LOOK, memory_order_relaxed);
    worker_restart_clock(worker, clock_now());
    monitor_arm();
}

static void leave_thread(struct worker *worker)
{
    int fd = atomic_exchange(&worker->syscall_fd, -1);
    if (fd >= 0)
        close(fd);
    worker_drop_all_stale(worker);
    overflow_leave_thread();
    worker_give_stacks(worker, 0);
    record_flush(&worker->records);
    worker_of_thread = NULL;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    enter_thread(worker);
    run_base(worker);
    leave_thread(worker);
    pool_worker_gone(worker->pool, worker);
    return NULL;
}

int worker_start(struct worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = -pthread_attr_init(&attributes);
    if (error)
        return error;
#if !defined(BINE_ASAN) && !defined(BINE_TSAN)
    pthread_attr_setstacksize(&attributes, BASE_STACK);
#endif
    /* Handlers of asynchronous signals run on the program's own threads. Faults stay open. */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = os_calls.start_thread(&worker->thread, &attributes, worker_main, worker);
    if (error == -EINVAL) /* the program's thread-local data does not fit into BASE_STACK */
        error = os_calls.start_thread(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}
