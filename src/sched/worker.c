/*
 * Running tasks.
 *
 * The scheduling loop runs on a task stack and calls a fresh task as a function: one that runs to
 * its end costs no switch. One that parks keeps the stack, and the worker goes on elsewhere:
 *
 *            fresh task: call and return
 *                 .---.
 *                 |   v      no task left, or a ready one instead
 *      base ----> loop -----------------------------------------> base / the ready task's stack
 *       ^          |
 *       |          | a task that the loop has called parks: its frames and the loop's stay there
 *       |          v
 *       `------- task ---> a ready task's stack, or another loop for a fresh one
 *
 * 1. A stack holds one loop at its bottom. While the loop waits for work the stack is free, and the
 *    loop's context is stack->sp. Its worker may resume it at any time, others once it has gone
 *    through the depot.
 * 2. Everything that is left behind is at rest before anybody else can get at it: what puts it up
 *    (the departure) is done by the one who arrives.
 * 3. After any call of a task or switch the worker may be another one: it is read anew.
 * 4. No C++ exception is in flight at a switch: its thread-wide state is put into the frame of the
 *    task that leaves, and is zero in loops.
 */
#include "sched/worker.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/future.h"
#include "sched/key.h"
#include "sched/park.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include <stdlib.h>
#include <string.h>

__thread struct worker *worker_of_thread __attribute__((tls_model("initial-exec")));

#if !defined(__x86_64__)
__attribute__((noinline)) struct worker *worker_self(void)
{
    struct worker *worker = worker_of_thread;
    __asm__ volatile("" : "+r"(worker));
    return worker;
}
#endif

/* --- running a task --- */

/* Every pointer and integer argument is a word in a register, whatever its type. */
typedef uintptr_t word_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef double double_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef float float_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef uintptr_t small_function(uintptr_t, uintptr_t, uintptr_t);

/* Runs when the frame of a task's function is left: by return, or by something that unwinds. */
static void stop_unwinding(const bool *returned)
{
    if (unlikely(!*returned))
        fatal_misuse("bine_go", "terminating: an exception or pthread_exit leaves a task's function");
}

/* Calls any function, with `arg` in its registers. */
UNCHECKED_CALL static __attribute__((noinline)) uintptr_t call_any(void (*fn)(void), unsigned kind,
                                                                   const uintptr_t *a)
{
    uintptr_t word = 0;
    if (kind == BINE_RESULT_DOUBLE_) {
        double result = ((double_function *)fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
        memcpy(&word, &result, sizeof result);
    } else if (kind == BINE_RESULT_FLOAT_) {
        float result = ((float_function *)fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
        memcpy(&word, &result, sizeof result);
    } else {
        word = ((word_function *)fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    return word;
}

void worker_count_pinned(struct worker *worker, int change)
{
    unsigned pinned = atomic_load_explicit(&worker->pinned, memory_order_relaxed);
    atomic_store_explicit(&worker->pinned, pinned + (unsigned)change, memory_order_relaxed);
    if (unlikely(change < 0 && worker->extra && pinned == 1))
        pool_leave_extra_seat(worker->pool, worker);
}

static void become_pinned(struct run *run, struct worker *worker)
{
    run->pins = 1;
    run->home = worker;
    worker_count_pinned(worker, 1);
    atomic_fetch_or_explicit(&run->task->marks, MARK_PINNED, memory_order_relaxed);
}

/* The task's function takes at most three words and returns one or nothing. */
static inline bool is_small(uint64_t fn)
{
    unsigned kind = (unsigned)(fn >> 48) & (TASK_MORE | TASK_RESULT);
    return kind == BINE_RESULT_WORD_ || kind == BINE_RESULT_VOID_ || kind == BINE_RESULT_INT_;
}

static void unpack_more(struct worker *worker, struct run *run, const struct task *task,
                        uintptr_t arg[6])
{
    run->more = (struct task_more *)task->arg[0];
    memcpy(arg, run->more->arg, sizeof run->more->arg);
    run->name = run->more->name;
    if (run->more->scope)
        run_enter_scope(run, (struct scope *)run->more->scope);
    if (run->more->pinned)
        become_pinned(run, worker);
}

/* Its arguments have been read. */
static inline void set_started(struct run *run, struct task *task, bool taken)
{
    task->sp = NULL;
    task->run = run;
    if (!taken)
        task_set_stage(task, STAGE_STARTED);
}

static __attribute__((noinline)) uintptr_t call_large(struct worker *worker, struct run *run,
                                                      struct task *task, bool taken)
{
    uintptr_t arg[6] = {task->arg[0], task->arg[1], task->arg[2]};
    if (task_has(task, TASK_MORE))
        unpack_more(worker, run, task, arg);
    else
        atomic_store_explicit(&task->cancelled_at, 0, memory_order_relaxed);
    set_started(run, task, taken);
    return call_any(task_function(task), task_result_kind(task), arg);
}

static __attribute__((noinline)) void release(struct run *run)
{
    if (run->keys.value)
        key_end_run(run);
    if (run->started_in || run->level)
        run_leave_scopes(run);
    if (run->pins)
        run_release_pins(run);
    if (run->more)
        task_more_free(run->more);
}

/* Runs the task, whose start has been claimed (as TAKEN, if so), in the caller's frame. */
UNCHECKED_CALL __attribute__((always_inline)) static inline uintptr_t
run_task(struct worker *worker, struct run *run, struct task *task, bool taken)
{
    bool returned __attribute__((cleanup(stop_unwinding))) = false;
    uint64_t fn = task_fn(task);
    uintptr_t result;
    run->task = task;
    run->pool = worker->pool;
    run->marked = task;
    run->deadline = BINE_NEVER;
    run->base_deadline = BINE_NEVER;
    /* In the order of the fields, so that two go in one store; memset() would be slower than all of this. */
    run->more = NULL;
    run->name = NULL;
    run->pins = 0;
    run->opened = 0;
    run->shielded = false;
    run->listed = false;
    run->deeper = false;
    run->inside = NULL;
    run->started_in = NULL;
    run->level = NULL;
    run->covers = NULL;
    run->keys = (struct key_values){0};
    run->waits_for = NULL;
    atomic_init(&run->scope, NULL);
    atomic_init(&run->id, 0);
    uintptr_t join = atomic_load_explicit(&task->join, memory_order_relaxed);
    if (unlikely(join_scope(join)))
        run_enter_scope(run, join_scope(join));
    worker->run = run;
    if (likely(is_small(fn))) {
        uintptr_t a = task->arg[0], b = task->arg[1], c = task->arg[2];
        atomic_store_explicit(&task->cancelled_at, 0, memory_order_relaxed);
        set_started(run, task, taken);
        result = ((small_function *)(uintptr_t)(fn & ADDRESS_MASK))(a, b, c);
    } else {
        result = call_large(worker, run, task, taken);
    }
    returned = true;
    if (unlikely((uintptr_t)run->keys.value | (uintptr_t)run->more | (uintptr_t)run->started_in |
                 (uintptr_t)run->level | run->pins))
        release(run);
    return result;
}

static inline void check_joined(const struct worker *worker)
{
    if (unlikely(!fork_is_settled(worker)))
        fatal_misuse("bine_fork", "a task ends without having joined what it has forked");
}

/* What the task tells the scope that it was started in: a negative result, where it returns int and
 * nobody was to await it. */
static int error_of(const struct task *task, uintptr_t result)
{
    uintptr_t join = atomic_load_explicit(&task->join, memory_order_relaxed);
    return join_scope(join) && task_result_kind(task) == BINE_RESULT_INT_ && (int)result < 0
               ? (int)result
               : 0;
}

/* The loop's way to run a fresh task: on this stack, which the loop owns. */
static __attribute__((noinline)) void run_fresh(struct worker *worker, struct task *task,
                                                struct stack *stack)
{
    struct run run;
    run.outer = NULL;
    run.stack = stack;
    uintptr_t result = run_task(worker, &run, task, false);
    worker = worker_self();
    if (unlikely(!worker))
        exit(EXIT_SUCCESS); /* the task has forked, and this is the end of the child's one thread */
    check_joined(worker);
    worker->run = NULL;
    if (unlikely(!arch_float_is_usual()))
        arch_float_set(ARCH_FLOAT_USUAL); /* what a task leaves is not the next one's */
    struct scope *scope = run.started_in;
    int error = unlikely(scope != NULL) ? error_of(task, result) : 0;
    future_end(worker, task, result);
    counter_add(&worker->ended, 1);
    if (unlikely(scope != NULL))
        scope_end_task(scope, error);
}

/* Moves the thread's exception state out of the way. */
static void stash_exceptions(struct worker *worker, uintptr_t stash[2])
{
    stash[0] = 0;
    if (likely(!worker->exceptions_at || !(worker->exceptions_at[0] | worker->exceptions_at[1])))
        return;
    memcpy(stash, worker->exceptions_at, 2 * sizeof *stash);
    memset(worker->exceptions_at, 0, 2 * sizeof *stash);
    stash[0] |= 1; /* a pointer's lowest bit: something is stashed */
}

static void restore_exceptions(struct worker *worker, const uintptr_t stash[2])
{
    if (likely(!stash[0]))
        return;
    worker->exceptions_at[0] = stash[0] & ~(uintptr_t)1;
    worker->exceptions_at[1] = stash[1];
}

/* In the frame of who awaits the task, whose state is kept for it meanwhile. The floating-point
 * control words are the usual ones. */
__attribute__((always_inline)) static inline uintptr_t run_within(struct worker *worker,
                                                                  struct task *task, bool taken)
{
    struct run *outer = worker->run;
    struct run run;
    uintptr_t exceptions[2];
    fork_settle_on(worker);
    int saved_errno = *worker->errno_at;
    stash_exceptions(worker, exceptions);
    outer->waits_for = "task in its place";
    outer->waits_on = task;
    run.outer = outer;
    run.stack = outer->stack;
    uintptr_t result = run_task(worker, &run, task, taken);
    worker = worker_self();
    if (unlikely(!worker))
        return result; /* the task has forked, and this is the child */
    check_joined(worker);
    worker->run = outer;
    outer->waits_for = NULL;
    if (unlikely(!arch_float_is_usual()))
        arch_float_set(ARCH_FLOAT_USUAL);
    *worker->errno_at = saved_errno;
    restore_exceptions(worker, exceptions);
    counter_add(&worker->ended, 1);
    if (unlikely(run.started_in != NULL))
        scope_end_task(run.started_in, 0);
    return result;
}

uintptr_t worker_run_in_place(struct worker *worker, struct task *task, bool taken)
{
    struct arch_float control = arch_float_get();
    arch_float_set(ARCH_FLOAT_USUAL);
    uintptr_t result = taken ? run_within(worker, task, true) : run_within(worker, task, false);
    arch_float_set(control);
    return result;
}

static __attribute__((noinline)) uintptr_t run_newest_slowly(struct worker *worker,
                                                             struct task *task)
{
    uintptr_t result = worker_run_in_place(worker, task, false);
    future_free(worker_self(), task);
    return result;
}

uintptr_t worker_run_newest(struct worker *worker, struct task *task)
{
    if (unlikely(!arch_float_is_usual()))
        return run_newest_slowly(worker, task);
    uintptr_t result = run_within(worker, task, false);
    future_free(worker_self(), task);
    return result;
}

/* --- stacks and switching --- */

static void loop_entry(void *message);

void worker_give_stacks(struct worker *worker, unsigned keep)
{
    struct stack **last = &worker->stacks;
    for (unsigned i = 0; i < keep && *last; i++)
        last = &(*last)->next;
    struct stack *rest = *last;
    *last = NULL;
    if (worker->stack_count > keep)
        worker->stack_count = keep;
    stack_give(rest);
}

bool worker_has_stack(struct worker *worker)
{
    if (worker->stacks)
        return true;
    /* Half as many as are kept, so that a burst of parking tasks goes to the depot seldom. */
    worker->stacks = stack_take(worker->pool->stack_class, KEPT_STACKS / 2);
    for (struct stack *stack = worker->stacks; stack; stack = stack->next)
        worker->stack_count++;
    return worker->stacks != NULL;
}

static struct stack *pop_stack(struct worker *worker)
{
    struct stack *stack = worker->stacks;
    worker->stacks = stack->next;
    worker->stack_count--;
    return stack;
}

static void push_stack(struct worker *worker, struct stack *stack)
{
    stack->next = worker->stacks;
    worker->stacks = stack;
    worker->stack_count++;
}

/* The context of the loop on a free stack, made where it has none. */
static void *loop_context(struct worker *worker, struct stack *stack)
{
    if (!stack->sp) {
        fiber_unpoison(stack->limit, (size_t)(stack->top - stack->limit));
        stack->sp = arch_make_context(stack->top, loop_entry);
    }
    worker->entering = stack;
    return stack->sp;
}

static void arrive(void *message)
{
    struct departure *departure = message;
    if (departure)
        departure->commit(departure->argument);
}

/* Where a worker goes that leaves a stack: a task, a loop, or (neither) the base. */
struct target {
    void *sp;
    struct fiber *fiber;
};

static struct target target_task(struct task *task)
{
    return (struct target){task->sp, &task->run->stack->fiber};
}

static struct target target_loop(struct worker *worker, struct stack *stack)
{
    return (struct target){loop_context(worker, stack), &stack->fiber};
}

static struct target target_base(struct worker *worker)
{
    return (struct target){worker->base_sp, &worker->base_fiber};
}

static void go(void **save, struct fiber *from, struct target target, struct departure *departure)
{
    arrive(context_switch(save, from, target.sp, target.fiber, departure));
}

static bool fresh_can_start(struct worker *worker)
{
    return worker->stacks && runq_fresh_count(&worker->runq) > 0;
}

void worker_leave(struct worker *worker, struct task *next, struct departure *departure)
{
    struct run *run = worker->run;
    uintptr_t exceptions[2];
    assert(fork_is_settled(worker));
    int saved_errno = *worker->errno_at;
    stash_exceptions(worker, exceptions);
    struct target target = next                      ? target_task(next)
                           : fresh_can_start(worker) ? target_loop(worker, pop_stack(worker))
                                                     : target_base(worker);
    go(&run->task->sp, &run->stack->fiber, target, departure);
    worker = worker_self();
    worker->run = run;
    *worker->errno_at = saved_errno;
    restore_exceptions(worker, exceptions);
}

static void give_stack(void *stack)
{
    stack_give(stack);
}

/* The loop has nothing to run here. Goes on with a ready task or (NULL) on the base; returns when
 * the loop is wanted again. */
static void leave_loop(struct worker *worker, struct stack *stack, struct task *task)
{
    struct target target = task ? target_task(task) : target_base(worker);
    struct departure departure = {give_stack, stack};
    stack->next = NULL;
    if ((int)stack->class == worker->pool->stack_class) {
        push_stack(worker, stack); /* only this worker takes it from there, and it is here */
        go(&stack->sp, &stack->fiber, target, NULL);
    } else {
        go(&stack->sp, &stack->fiber, target, &departure);
    }
}

/* A fresh task with a stack of its own: goes on there, in the loop of that stack. */
static void move_loop(struct worker *worker, struct stack *stack, struct task *task)
{
    struct stack *own = ((struct task_more *)task->arg[0])->stack;
    worker->handed = task;
    push_stack(worker, stack);
    go(&stack->sp, &stack->fiber, target_loop(worker, own), NULL);
}

static bool has_own_stack(const struct task *task)
{
    return task_has(task, TASK_MORE) && ((struct task_more *)task->arg[0])->stack;
}

static struct task *take_handed(struct worker *worker)
{
    struct task *task = worker->handed;
    worker->handed = NULL;
    return task;
}

static void loop_entry(void *message)
{
    struct stack *stack = worker_self()->entering;
    context_started(&stack->fiber);
    arrive(message);
    for (;;) {
        struct worker *worker = worker_self();
        bool of_pool = (int)stack->class == worker->pool->stack_class;
        struct task *task = take_handed(worker);
        if (!task && of_pool)
            task = worker_pick(worker);
        if (!task || !task_needs_start(task))
            leave_loop(worker, stack, task);
        else if (of_pool && has_own_stack(task))
            move_loop(worker, stack, task);
        else
            run_fresh(worker, task, stack);
    }
}

/* The base's way to run a task: returns when the worker comes back here for want of one. */
void worker_run(struct worker *worker, struct task *task)
{
    struct target target;
    if (!task_needs_start(task)) {
        target = target_task(task);
    } else {
        worker->handed = task;
        target = target_loop(worker, pop_stack(worker));
    }
    go(&worker->base_sp, &worker->base_fiber, target, NULL);
    worker->run = NULL;
}

static void requeue(void *task)
{
    task_make_ready_behind(task);
}

static void leave_runq(void *runq)
{
    runq_leave(runq);
}

/* By way of the base, which does what is due, or of a loop, which starts the newest fresh task. */
static void yield_slowly(struct worker *worker, struct task *task)
{
    struct departure departure = {requeue, task};
    worker->fresh_first = true;
    worker_leave(worker, NULL, &departure);
}

void worker_yield(struct worker *worker)
{
    struct task *task = worker->run->task;
    fork_settle_on(worker);
    atomic_store_explicit(&worker->yield_asked, 0, memory_order_relaxed);
    if (worker_is_due(worker) || worker->run->pins) {
        yield_slowly(worker, task);
        return;
    }
    /* The caller goes into the ring now, but nobody can take it from there before the worker
     * leaves the queues, which is after the switch. */
    runq_enter(&worker->runq);
    struct task *next = runq_fresh_count(&worker->runq) ? NULL : worker_swap_ready(worker, task);
    if (next) {
        struct departure departure = {leave_runq, &worker->runq};
        worker_leave(worker, next, &departure);
        return;
    }
    bool alone = runq_count(&worker->runq) == 0;
    runq_leave(&worker->runq);
    if (!alone)
        yield_slowly(worker, task);
}
