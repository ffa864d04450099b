/*
 * Going from task to task.
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
#include "sched/fork.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "sched/run.h"

__thread struct worker *worker_of_thread __attribute__((tls_model("initial-exec")));

#if !defined(__x86_64__)
__attribute__((noinline)) struct worker *worker_self(void)
{
    struct worker *worker = worker_of_thread;
    __asm__ volatile("" : "+r"(worker));
    return worker;
}
#endif

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
