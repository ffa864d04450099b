/*
 * Waiting.
 *
 *    RUNNING --wait_begin()--> PREPARE --wait_commit()--> WAITING, FIRM or SHELTERED
 *       ^                         |                             | wait_claim(), a timer, a cancel
 *       |<-----wait_abandon()-----'                             v
 *       `-------------------wait_park() returns---------- GRANTED, TIMED_OUT, CANCELLED
 *                                                            |
 *                                                            `--wait_further()--> FIRM, as the next
 *
 * 1. The claim word's sequence number is constant during a wait and new in the next, so a claim by
 *    who comes late fails, whatever the record is used for by then.
 * 2. Who finds PREPARE looks again: the waiter is on its way to WAITING or back to RUNNING, and
 *    nothing on that way waits for anybody.
 * 3. No wake-up is lost to a cancel: the waiter stores PREPARE, then (a fence between) reads its
 *    cancel mark; the canceller stores the mark, then reads the claim. One sees the other.
 * 4. A timer in a heap is valid memory to the holder of the heap's lock, and takes what it needs
 *    from the wait before it claims.
 *
 * A model of this that tries all interleavings is tests/model_claim.c.
 */
#include "sched/park.h"
#include "base/os.h"
#include "sched/call.h"
#include "sched/exit.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/pending.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include "sched/thread.h"
#include "time/clock.h"
#include <errno.h>

struct run *run_self(void)
{
    struct worker *worker = worker_self();
    return likely(worker != NULL) ? worker->run : thread_run();
}

int64_t runtime_begin(void)
{
    static _Atomic int64_t began;
    int64_t at = atomic_load_explicit(&began, memory_order_relaxed);
    if (likely(at))
        return at;
    int64_t now = clock_now();
    return atomic_compare_exchange_strong(&began, &at, now) ? now : at;
}

void deadline_check(const char *call, int64_t deadline)
{
    if (unlikely(deadline > BINE_NOW && deadline < runtime_begin()))
        fatal_misuse(call, "the deadline lies before the start of the runtime: a span is made a "
                           "deadline by bine_after(span)");
}

static inline bool is_marked(const struct run *run)
{
    return task_marked(run->marked, MARK_CANCELLED) ||
           (run->pool && atomic_load_explicit(&run->pool->cancelled, memory_order_relaxed));
}

bool run_marked(const struct run *run)
{
    return is_marked(run);
}

bool run_cancelled(const struct run *run)
{
    return (!run->shielded && is_marked(run)) ||
           (run->inside && atomic_load_explicit(&run->inside->cancelled, memory_order_relaxed));
}

/* The run is cancelled: was it, before this deadline passed? */
static int first_of(const struct run *run, int64_t deadline)
{
    return deadline <= run_cancelled_at(run) ? -ETIMEDOUT : -ECANCELED;
}

int run_check(const struct run *run)
{
    if (unlikely(run_cancelled(run)))
        return first_of(run, run->deadline);
    if (unlikely(run->deadline != BINE_NEVER && run->deadline <= clock_now()))
        return -ETIMEDOUT;
    return 0;
}

int call_begin_slowly(void)
{
    worker_heed_budget_here();
    return run_check(run_self());
}

uint64_t run_id(struct run *run)
{
    static _Atomic uint64_t last;
    if (!run->stack)
        return 0;
    uint64_t id = atomic_load_explicit(&run->id, memory_order_relaxed);
    if (id)
        return id;
    uint64_t drawn = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    return atomic_compare_exchange_strong_explicit(&run->id, &id, drawn, memory_order_relaxed,
                                                   memory_order_relaxed)
               ? drawn
               : id;
}

/* The claim word in another state, the number kept. */
static inline uint64_t in_state(uint64_t claim, enum claim_state state)
{
    return claim - claim % CLAIM_STATES + state;
}

/* The caller's run, and its worker: NULL, a plain thread. */
static inline struct run *run_on(const struct worker *worker)
{
    return likely(worker != NULL) ? worker->run : thread_run();
}

static inline __attribute__((always_inline)) void begin(struct wait *wait, struct worker *worker,
                                                        struct run *run, const char *what,
                                                        const void *on, enum claim_state armed)
{
    struct task *task = run->task;
    if (unlikely(run->started_in && !run->listed))
        run_join_scope(run);
    uint64_t claim = atomic_load_explicit(&task->claim, memory_order_relaxed);
    assert(claim_state(claim) == CLAIM_RUNNING);
    wait->task = task;
    wait->run = run;
    wait->on = (void *)on;
    wait->armed = claim - CLAIM_RUNNING + armed;
    wait->timers = NULL;
    wait->chosen = NULL;
    wait->aborted = false;
    run->waits_for = what;
    run->waits_on = on;
    /* relaxed: the queue's lock comes between this and the look at the cancel mark. */
    atomic_store_explicit(&task->claim, claim - CLAIM_RUNNING + CLAIM_PREPARE,
                          memory_order_relaxed);
    if (likely(worker != NULL)) {
        fork_settle_on(worker);
        run->waits_since = worker->sampled_at;
        wait->chosen = worker_choose_next(worker);
    } else {
        fork_settle();
        run->waits_since = clock_now();
        atomic_store_explicit(&task->woken, 0, memory_order_relaxed);
    }
}

/* A plain thread's timer is its futex's time-out. */
static void arm(struct wait *wait, struct worker *worker)
{
    if (!worker)
        return;
    wait->timers = &worker->timers;
    worker_begin_upkeep(worker); /* a large set may have to grow */
    timers_add(wait->timers, &wait->timer);
    worker_end_upkeep(worker);
}

void wait_begin_firm(struct wait *wait, const char *what, const void *on, int64_t deadline)
{
    struct worker *worker = worker_self();
    begin(wait, worker, run_on(worker), what, on, CLAIM_FIRM);
    wait->timer.deadline = deadline;
    if (unlikely(deadline != BINE_NEVER))
        arm(wait, worker);
}

void wait_begin(struct wait *wait, const char *what, const void *on, int64_t deadline)
{
    struct worker *worker = worker_self();
    struct run *run = run_on(worker);
    if (run->deadline < deadline)
        deadline = run->deadline;
    begin(wait, worker, run, what, on,
          likely(!run->shielded) ? CLAIM_WAITING
          : run->inside          ? CLAIM_SHELTERED
                                 : CLAIM_FIRM);
    wait->timer.deadline = deadline;
    if (unlikely(deadline != BINE_NEVER))
        arm(wait, worker);
}

static inline void finish(struct wait *wait)
{
    uint64_t claim = atomic_load_explicit(&wait->task->claim, memory_order_relaxed);
    /* A timer that ended the wait is out already. */
    if (unlikely(wait->timers != NULL) && claim_state(claim) != CLAIM_TIMED_OUT)
        timers_remove(wait->timers, &wait->timer);
    wait->run->waits_for = NULL;
    /* release: who reads the new number must not believe to see the old wait. */
    atomic_store_explicit(&wait->task->claim, in_state(claim, CLAIM_RUNNING) + CLAIM_STATES,
                          memory_order_release);
}

void wait_abandon(struct wait *wait)
{
    struct worker *worker = worker_self();
    if (worker)
        worker_unchoose(worker, wait->chosen);
    finish(wait);
}

void wait_grant(struct wait *wait)
{
    struct task *task = wait->task;
    atomic_store_explicit(&task->claim, in_state(wait->armed, CLAIM_GRANTED), memory_order_release);
    wait_resume(task);
}

/* Ends the wait that `armed` stands for, if it is not over. */
static bool claim_as(struct task *task, uint64_t armed, enum claim_state winner)
{
    struct backoff backoff = {0};
    for (;;) {
        uint64_t claim = atomic_load_explicit(&task->claim, memory_order_relaxed);
        if (claim == armed &&
            atomic_compare_exchange_strong_explicit(&task->claim, &claim, in_state(armed, winner),
                                                    memory_order_acq_rel, memory_order_relaxed))
            return true;
        if (claim != in_state(armed, CLAIM_PREPARE))
            return false;
        backoff_pause(&backoff);
    }
}

bool wait_claim_slowly(struct wait *wait)
{
    return claim_as(wait->task, wait->armed, CLAIM_GRANTED);
}

static void wake_thread(struct task *task)
{
    /* release: pairs with the acquire in sleep_thread(). The word is the last touch: the thread may
     * be gone by the time the kernel looks for sleepers, who are found by address. */
    atomic_store_explicit(&task->woken, 1, memory_order_release);
    os_calls.futex_wake(&task->woken, 1);
}

void wait_resume(struct task *task)
{
    if (unlikely(task_stage(task) == STAGE_THREAD))
        wake_thread(task);
    else
        task_make_ready(task);
}

void wait_further(struct wait *wait, struct wait *further)
{
    struct task *task = wait->task;
    further->task = task;
    further->armed = in_state(wait->armed, CLAIM_FIRM) + CLAIM_STATES;
    /* release: pairs with the acquire in claim_as(). The number is a new one, so nobody who still
     * has the old wait can end this. */
    atomic_store_explicit(&task->claim, further->armed, memory_order_release);
}

void wait_resume_all(struct task *list)
{
    struct task *tasks = NULL, **end = &tasks;
    while (list) {
        struct task *task = list;
        list = task->next;
        if (task_stage(task) == STAGE_THREAD) {
            wake_thread(task);
        } else {
            *end = task;
            end = &task->next;
        }
    }
    *end = NULL;
    task_make_all_ready(tasks);
}

static void sleep_thread(struct wait *wait)
{
    struct task *task = wait->task;
    int64_t deadline = wait->timer.deadline;
    pending_take(BINE_NEVER);
    while (!atomic_load_explicit(&task->woken, memory_order_acquire)) {
        if (os_calls.futex_wait(&task->woken, 0, deadline) != -ETIMEDOUT)
            continue;
        if (claim_as(task, wait->armed, CLAIM_TIMED_OUT))
            return;
        deadline = BINE_NEVER; /* somebody else has ended the wait and is about to say so */
    }
}

/* Not granted. What the waiter is told: what came first, whoever was quicker to claim it. */
static __attribute__((noinline)) int failure_of(const struct wait *wait, enum claim_state state)
{
    bool firm = claim_state(wait->armed) == CLAIM_FIRM;
    if (state == CLAIM_TIMED_OUT && (firm || likely(!run_cancelled(wait->run))))
        return -ETIMEDOUT;
    return first_of(wait->run, wait->timer.deadline);
}

/* The fence is done. Looks at the cancel marks. */
static inline bool is_cancelled(const struct wait *wait)
{
    return claim_state(wait->armed) != CLAIM_FIRM && unlikely(run_cancelled(wait->run));
}

static __attribute__((noinline)) int turn_back(struct wait *wait, void (*commit)(void *wait))
{
    wait->aborted = true;
    commit(wait);
    wait_abandon(wait);
    return first_of(wait->run, wait->timer.deadline);
}

int wait_park(struct wait *wait, void (*commit)(void *wait))
{
    struct worker *worker = worker_self();
    fence_after_locked();
    if (is_cancelled(wait))
        return turn_back(wait, commit);
    if (likely(worker != NULL)) {
        struct departure departure = {commit, wait};
        worker_leave(worker, wait->chosen, &departure);
    } else {
        commit(wait);
        bool lets_run = exit_wait_begins(wait->on);
        sleep_thread(wait);
        if (unlikely(lets_run))
            exit_wait_ends();
    }
    /* acquire: pairs with the winner's claim; it may have written to this wait. */
    uint64_t claim = atomic_load_explicit(&wait->task->claim, memory_order_acquire);
    finish(wait);
    return likely(claim_state(claim) == CLAIM_GRANTED) ? 0 : failure_of(wait, claim_state(claim));
}

/* --- who ends waits from outside their queues --- */

struct due {
    struct task *list; /* claimed, linked by next */
};

/* The heap's lock is held. */
static bool fire(struct timer *timer, void *context)
{
    struct due *due = context;
    struct wait *wait = container_of(timer, struct wait, timer);
    struct task *task = wait->task;
    uint64_t armed = wait->armed, claim = armed;
    if (atomic_compare_exchange_strong_explicit(&task->claim, &claim,
                                                in_state(armed, CLAIM_TIMED_OUT),
                                                memory_order_acq_rel, memory_order_relaxed)) {
        task->next = due->list;
        due->list = task;
        return true;
    }
    return claim != in_state(armed, CLAIM_PREPARE);
}

void wait_run_timers(struct timers *timers, int64_t now)
{
    struct due due = {NULL};
    timers_run(timers, now, fire, &due);
    task_make_all_ready(task_reverse(due.list));
}

static void interrupt(struct task *task, uint64_t claim, bool sheltered)
{
    uint64_t number = claim / CLAIM_STATES;
    struct backoff backoff = {0};
    while (claim / CLAIM_STATES == number) {
        enum claim_state state = claim_state(claim);
        bool open = state == CLAIM_WAITING || (sheltered && state == CLAIM_SHELTERED);
        if (open && claim_as(task, claim, CLAIM_CANCELLED)) {
            wait_resume(task);
            return;
        }
        if (state != CLAIM_PREPARE)
            return;
        backoff_pause(&backoff);
        claim = atomic_load_explicit(&task->claim, memory_order_seq_cst);
    }
}

void task_interrupt_wait(struct task *task, uint64_t claim)
{
    interrupt(task, claim, false);
}

void task_interrupt_sheltered(struct task *task, uint64_t claim)
{
    interrupt(task, claim, true);
}

void task_interrupt(struct task *task)
{
    task_interrupt_wait(task, atomic_load_explicit(&task->claim, memory_order_seq_cst));
}
