/*
 * Calling a task's function.
 *
 * 1. What a task needs only once it runs is its run, in the frame that calls its function: the loop's, or
 *    that of who awaits the task in its place.
 * 2. After the call the worker may be another one: it is read anew.
 * 3. Nothing leaves a task's function but by return: an exception or pthread_exit() would unwind into
 *    frames that are not the task's, and is stopped by the personality of those that call it.
 * 4. A task starts with the usual floating-point control words, and what it leaves is not the next
 *    one's.
 */
#include "sched/run.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/future.h"
#include "sched/key.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include <stdlib.h>
#include <unwind.h>

/* Every pointer and integer argument is a word in a register, whatever its type. */
typedef uintptr_t word_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef double double_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef float float_function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
typedef uintptr_t small_function(uintptr_t, uintptr_t, uintptr_t);

/* Whom an unwinder asks about a frame that calls a task's function. What it looks for a handler for finds
 * none: the C++ library says which exception it was, and terminates. */
_Unwind_Reason_Code bine_stop_unwinding_(int version, _Unwind_Action actions,
                                         _Unwind_Exception_Class class,
                                         struct _Unwind_Exception *exception,
                                         struct _Unwind_Context *context);
__attribute__((used, visibility("hidden"))) _Unwind_Reason_Code
bine_stop_unwinding_(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                     struct _Unwind_Exception *exception, struct _Unwind_Context *context)
{
    (void)version, (void)class, (void)exception, (void)context;
    if (actions & _UA_SEARCH_PHASE)
        return _URC_FATAL_PHASE1_ERROR;
    fatal_misuse("bine_go", "terminating: an exception or pthread_exit leaves a task's function");
}

/* Makes that the personality of the code it stands in, before the call: a compiler may lay out a function
 * in two parts. Its own personality, for a cleanup, would need libgcc_s, which takes a process 0.1 ms to
 * load. 0x1b: a 4-byte distance. */
#define STOP_UNWINDING() __asm__ volatile(".cfi_personality 0x1b, bine_stop_unwinding_")

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
    uint64_t fn = task_fn(task);
    uintptr_t result;
    run->task = task;
    run->pool = worker->pool;
    run->marked = task;
    run->deadline = BINE_NEVER;
    run->base_deadline = BINE_NEVER;
    /* In the order of the fields, so that two go in one store; memset() would be slower than all of this. */
    run->waits_for = NULL;
    run->inside = NULL;
    run->started_in = NULL;
    run->shielded = false;
    run->listed = false;
    run->deeper = false;
    run->pins = 0;
    run->opened = 0;
    run->more = NULL;
    run->name = NULL;
    run->level = NULL;
    run->covers = NULL;
    run->keys = (struct key_values){0};
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
        STOP_UNWINDING();
        result = ((small_function *)(uintptr_t)(fn & ADDRESS_MASK))(a, b, c);
    } else {
        STOP_UNWINDING();
        result = call_large(worker, run, task, taken);
    }
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

void run_fresh(struct worker *worker, struct task *task, struct stack *stack)
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
