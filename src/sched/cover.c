/*
 * What is around a run: its levels, its shield, and the scope it was started in.
 *
 * 1. The levels are a stack in the frames of their owner, who alone touches it; so is `outer` of a
 *    scope. Others follow run->scope only with task_lock(), which closing a scope takes.
 * 2. run->deadline and run->inside are what counts now; everything that changes a level or the
 *    shield brings them up to date.
 * 3. A shield is the place in the stack where it went up: levels above that count, and nothing
 *    else. A level that is taken away from under it moves the place down.
 * 4. A task goes into the list of the scope it was started in when it first waits: until then there
 *    is nothing that a cancellation would have to end. It is counted there as long as it lives, so
 *    the scope stays.
 */
#include "sched/scope.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/park.h"
#include "sched/pool.h"
#include <bine/task.h>

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- levels --- */

static int64_t around_of(const struct run *run, const struct level *level)
{
    return level ? level->around : run->base_deadline;
}

static int64_t deadline_now(const struct run *run)
{
    int64_t deadline = BINE_NEVER;
    if (!run->shielded)
        return around_of(run, run->level);
    for (const struct level *level = run->level; level != run->shield; level = level->outer)
        deadline = earlier(deadline, level->own);
    return deadline;
}

/* What is set up after a cancellation cannot be what came first, however long it is past. */
static int64_t not_before_cancel(const struct run *run, int64_t deadline)
{
    if (likely(!run_cancelled(run)))
        return deadline;
    int64_t cancelled_at = run_cancelled_at(run);
    return deadline > cancelled_at ? deadline : cancelled_at + 1;
}

void level_push(struct run *run, struct level *level, int64_t deadline)
{
    fork_settle(); /* what was forked before is not inside */
    level->own = not_before_cancel(run, deadline);
    level->outer = run->level;
    level->around = earlier(level->own, around_of(run, run->level));
    run->level = level;
    run->deadline = earlier(run->deadline, level->own);
}

/* Takes a level out that others lie on: those were set up in another order than they go. */
static void take_from_below(struct run *run, struct level *above, const struct level *gone)
{
    if (above->outer == gone)
        above->outer = gone->outer;
    else
        take_from_below(run, above->outer, gone);
    above->around = earlier(above->own, around_of(run, above->outer));
}

void level_pop(struct run *run, struct level *level)
{
    fork_settle();
    if (likely(run->level == level))
        run->level = level->outer;
    else
        take_from_below(run, run->level, level);
    if (run->shielded && run->shield == level)
        run->shield = level->outer;
    run->deadline = deadline_now(run);
}

void bine_until_enter_(struct bine_until_ *until, bine_time deadline)
{
    deadline_check("BINE_UNTIL", deadline);
    level_push(run_self(), (struct level *)until, deadline);
}

void bine_until_leave_(struct bine_until_ *until)
{
    level_pop(run_self(), (struct level *)until);
}
static_assert(sizeof(struct level) <= sizeof(struct bine_until_), "it lives in a bine_until_");

/* --- scopes and the shield --- */

static struct scope *opened(const struct run *run)
{
    return atomic_load_explicit(&run->scope, memory_order_relaxed);
}

static struct scope *inside_now(const struct run *run)
{
    struct scope *scope = opened(run);
    if (run->shielded)
        return scope && scope->sheltered ? scope : NULL;
    return scope ? scope : run->started_in;
}

void run_push_scope(struct run *run, struct scope *scope, int64_t deadline)
{
    level_push(run, &scope->level, deadline);
    scope->owner = run;
    scope->deadline = run->deadline;
    scope->outer = opened(run);
    scope->parent = run->inside;
    scope->sheltered = run->shielded;
    scope->serial = ++run->opened;
    /* release: pairs with the acquire in scope_of_call(). */
    atomic_store_explicit(&run->scope, scope, memory_order_release);
    run->inside = scope;
}

void run_pop_scope(struct run *run, struct scope *scope)
{
    task_lock(run->task);
    atomic_store_explicit(&run->scope, scope->outer, memory_order_relaxed);
    task_unlock(run->task);
    level_pop(run, &scope->level);
    run->inside = inside_now(run);
}

/* The shield is down: what was opened behind it is like any other, and the outermost of that, which
 * had no parent, gets one. */
static void give_up_shelter(struct run *run)
{
    struct scope *outermost = NULL;
    for (struct scope *scope = opened(run); scope && scope->sheltered; scope = scope->outer) {
        spin_lock(&scope->lock);
        scope->sheltered = false;
        spin_unlock(&scope->lock);
        outermost = scope;
    }
    if (!outermost)
        return;
    outermost->parent = outermost->outer ? outermost->outer : run->started_in;
    scope_attach(outermost);
}

bool bine_shield(bool on)
{
    struct run *run = run_self();
    bool before = run->shielded;
    if (on == before)
        return before;
    fork_settle();
    run->shielded = on;
    run->shield = run->level;
    if (!on)
        give_up_shelter(run);
    run->deadline = deadline_now(run);
    run->inside = inside_now(run);
    return before;
}

/* --- the scope that a run was started in --- */

void run_enter_scope(struct run *run, struct scope *scope)
{
    run->started_in = scope;
    run->inside = scope;
    run->base_deadline = scope->deadline;
    run->deadline = scope->deadline;
}

void run_join_scope(struct run *run)
{
    struct scope *scope = run->started_in;
    run->in.kind = COVERED_RUN;
    run->listed = true;
    spin_lock(&scope->lock);
    covered_add(&scope->inside, &run->in);
    spin_unlock(&scope->lock);
}

static void leave_list(struct run *run)
{
    struct scope *scope = run->started_in;
    if (!run->listed)
        return;
    spin_lock(&scope->lock);
    covered_remove(&run->in);
    spin_unlock(&scope->lock);
    run->listed = false;
}

void run_leave_scopes(struct run *run)
{
    if (unlikely(opened(run) != NULL))
        fatal_misuse("bine_scope_open", "the task ends in a scope that it has not closed");
    leave_list(run);
}

/* --- calls that a run hands out --- */

/* Task locked: the innermost scope that was open when the call was handed out, and still is. */
static struct scope *scope_of_call(const struct run *parent, struct cover cover)
{
    /* acquire: pairs with the release in run_push_scope(). */
    struct scope *scope = atomic_load_explicit(&parent->scope, memory_order_acquire);
    while (scope && scope->serial > cover.serial)
        scope = scope->outer;
    if (cover.shielded)
        return scope && scope->sheltered ? scope : NULL;
    return scope ? scope : parent->started_in;
}

void run_begin_covered(struct run *child, struct run *parent, struct cover cover)
{
    task_lock(parent->task);
    struct scope *scope = scope_of_call(parent, cover);
    if (scope)
        atomic_fetch_add_explicit(&scope->word, SCOPE_PIN, memory_order_relaxed);
    task_unlock(parent->task);
    if (scope)
        run_enter_scope(child, scope);
    child->base_deadline = child->deadline = cover.deadline;
    if (cover.shielded)
        return;
    child->marked = parent->marked;
    child->under.kind = COVERED_RUN;
    task_add_covered(child->marked, &child->under);
}

void run_end_covered(struct run *child)
{
    if (child->marked != child->task)
        task_remove_covered(child->marked, &child->under);
    run_leave_scopes(child);
    if (child->started_in)
        scope_unpin(child->started_in);
    child->started_in = NULL;
}

/* --- fork --- */

void run_adopt_cover(struct run *thread, const struct run *task)
{
    thread->opened = task->opened;
    thread->shielded = task->shielded;
    thread->level = task->level;
    thread->shield = task->shield;
    thread->base_deadline = task->base_deadline;
    atomic_store_explicit(&thread->scope, opened(task), memory_order_relaxed);
    for (struct scope *scope = opened(task); scope; scope = scope->outer) {
        scope->owner = thread;
        scope->parent = NULL;
        scope->attached = scope->deeper = false;
        scope->inside = scope->inner = NULL;
        /* Who was marking what is inside is not here. */
        bool cancelled = atomic_load_explicit(&scope->cancelled, memory_order_relaxed);
        atomic_store_explicit(&scope->settled, cancelled, memory_order_relaxed);
        scope->lock = scope->room_lock = (struct spinlock){0};
        atomic_store_explicit(&scope->word, SCOPE_OPEN, memory_order_relaxed);
    }
    thread->deadline = deadline_now(thread);
    thread->inside = inside_now(thread);
}
