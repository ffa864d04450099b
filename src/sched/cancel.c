/*
 * Cancelling, and how it comes down the tree of scopes.
 *
 * 1. Who sets scope->cancelled, once, is who tells everything inside; others need not.
 * 2. What has been told is: the waits of its owner and of its tasks, and its inner scopes, by the
 *    same rule. So one walk meets each scope once, with a list instead of recursion, however deep.
 * 3. A scope in a walker's list is pinned: its owner, closing it, waits. It is pinned with the lock
 *    of the list in which it was found, which its owner takes before he closes it for good.
 *    A wait is ended only by the innermost scope that it is in, once that is marked: until then
 *    who waits would find no reason. `deeper` says of a scope's owner or task that it has gone
 *    further in.
 * 4. No wait is ended, and nobody woken, with a lock held: records and claims are noted, and a
 *    claim tells by its number that the wait is over by now. A place (a node of no kind) marks in a
 *    long list where to go on.
 * 5. Who comes into a list later looks at `cancelled` after that: with the lock both have held, one
 *    sees the other. For a wait see park.c.
 *
 * A task that has opened scopes, or covers calls, is found by its record, whose run is there as
 * long as MARK_COVERS is set and the task's lock is held.
 *
 * Which came first, a cancellation or a deadline, is told by the time kept with each mark. That of
 * a task is in its record where that has room: once it has started, or if its arguments are
 * elsewhere. Without it the task was cancelled before it began.
 */
#include "sched/park.h"
#include "sched/pool.h"
#include "sched/scope.h"
#include "time/clock.h"
#include <errno.h>
#include <string.h>

enum { TASK_LOCKS = 64, BATCH = 32, LOOKED_AT = 256 };

/* Waits to be ended. */
struct batch {
    unsigned count;
    struct noted {
        struct task *task;
        uint64_t claim;
        bool sheltered; /* so may be what is ended */
    } noted[BATCH];
};

static struct {
    _Alignas(CACHE_LINE) struct spinlock lock;
} task_locks[TASK_LOCKS];

static struct spinlock *lock_of(const struct task *task)
{
    return &task_locks[(uintptr_t)task / sizeof *task % TASK_LOCKS].lock;
}

void task_lock(struct task *task)
{
    spin_lock(lock_of(task));
}

void task_unlock(struct task *task)
{
    spin_unlock(lock_of(task));
}

void cancel_abandon(void)
{
    memset(task_locks, 0, sizeof task_locks);
}

/* --- scopes --- */

bool scope_mark(struct scope *scope, int result, int64_t at)
{
    spin_lock(&scope->lock);
    bool first = !atomic_load_explicit(&scope->cancelled, memory_order_relaxed);
    if (first) {
        uint64_t word = atomic_load_explicit(&scope->word, memory_order_relaxed);
        bool late = scope->deadline <= at && scope_tasks(word) > 0;
        scope->result = late ? -ETIMEDOUT : result;
        scope->cancelled_at = late ? scope->deadline : at;
        /* release: pairs with the acquire of who finds it and reads what is above. seq_cst: see
         * invariant 3 of park.c. */
        atomic_store_explicit(&scope->cancelled, true, memory_order_seq_cst);
    }
    spin_unlock(&scope->lock);
    return first;
}

/* The lock of the list is held. */
static void note(struct batch *batch, struct task *task, bool sheltered)
{
    uint64_t claim = atomic_load_explicit(&task->claim, memory_order_seq_cst);
    enum claim_state state = claim_state(claim);
    if (state == CLAIM_PREPARE || state == CLAIM_WAITING || state == CLAIM_SHELTERED)
        batch->noted[batch->count++] = (struct noted){task, claim, sheltered};
}

static void interrupt_all(struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        const struct noted *noted = &batch->noted[i];
        if (noted->sheltered)
            task_interrupt_sheltered(noted->task, noted->claim);
        else
            task_interrupt_wait(noted->task, noted->claim);
    }
    batch->count = 0;
}

/* The lock of the list that it is in is held. */
static void walk_later(struct scope **walked, struct scope *scope, int64_t at)
{
    if (!scope_mark(scope, -ECANCELED, at))
        return;
    atomic_fetch_add_explicit(&scope->word, SCOPE_PIN, memory_order_relaxed);
    scope->walked = *walked;
    *walked = scope;
}

/* The lock of the list is held. */
static void visit(struct covered *covered, struct batch *batch, struct scope **walked, int64_t at)
{
    const struct run *run = container_of(covered, struct run, in);
    if (covered->kind == COVERED_RUN && !run->deeper)
        note(batch, run->task, false);
    else if (covered->kind == COVERED_SCOPE)
        walk_later(walked, container_of(covered, struct scope, in), at);
}

/* Tells what is in the scope's list by now; who comes later sees that it is cancelled. */
static void tell_inside(struct scope *scope, struct scope **walked, int64_t at)
{
    struct batch batch = {0};
    struct covered place = {.kind = COVERED_PLACE};
    spin_lock(&scope->lock);
    if (!scope->deeper)
        note(&batch, scope->owner->task, scope->sheltered);
    struct covered *next = scope->inside;
    while (next) {
        for (int i = 0; next && i < LOOKED_AT && batch.count < BATCH; i++, next = next->next)
            visit(next, &batch, walked, at);
        if (!next)
            break;
        place.next = next;
        place.back = next->back;
        *place.back = &place;
        next->back = &place.next;
        spin_unlock(&scope->lock);
        interrupt_all(&batch);
        spin_lock(&scope->lock);
        next = place.next;
        covered_remove(&place);
    }
    spin_unlock(&scope->lock);
    interrupt_all(&batch);
}

/* Those who wait for room, inside or not, wait in vain. */
static void refuse_room(struct scope *scope)
{
    for (;;) {
        spin_lock(&scope->room_lock);
        struct wait *wait = room_claim_first(&scope->room);
        if (wait)
            wait->word = -ECANCELED;
        spin_unlock(&scope->room_lock);
        if (!wait)
            return;
        wait_resume(wait->task);
    }
}

/* Walks through marked scopes and all that is inside them. */
static void walk(struct scope *walked, int64_t at)
{
    atomic_thread_fence(memory_order_seq_cst); /* the marks are set, then the claims are read */
    while (walked) {
        struct scope *scope = walked;
        walked = scope->walked;
        tell_inside(scope, &walked, at);
        refuse_room(scope);
        scope_unpin(scope);
    }
}

void scope_cancel(struct scope *scope, int result, int64_t at)
{
    if (!scope_mark(scope, result, at))
        return;
    atomic_fetch_add_explicit(&scope->word, SCOPE_PIN, memory_order_relaxed);
    scope->walked = NULL;
    walk(scope, at);
}

/* --- tasks --- */

void task_add_covered(struct task *task, struct covered *covered)
{
    task_lock(task);
    covered_add(&task->run->covers, covered);
    /* seq_cst: it is set, then the caller reads the cancel mark; see task_cancel(). */
    atomic_fetch_or_explicit(&task->marks, MARK_COVERS, memory_order_seq_cst);
    task_unlock(task);
}

void task_remove_covered(struct task *task, struct covered *covered)
{
    task_lock(task);
    covered_remove(covered);
    if (!task->run->covers)
        atomic_fetch_and_explicit(&task->marks, (uint8_t)~MARK_COVERS, memory_order_relaxed);
    task_unlock(task);
}

/* Tells some of what a task covers; false: that was all. */
static bool tell_covered(struct task *task, const struct bine_pool *pool, struct scope **walked,
                         int64_t at)
{
    struct batch batch = {0};
    task_lock(task);
    bool covers = task_marked(task, MARK_COVERS) && (!pool || task->run->pool == pool);
    struct covered *covered = covers ? task->run->covers : NULL;
    for (; covered && batch.count < BATCH; covered = covered->next) {
        if (covered->kind == COVERED_SCOPE) {
            walk_later(walked, container_of(covered, struct scope, in), at);
        } else if (covered->kind == COVERED_RUN) {
            covered->kind = COVERED_TOLD;
            note(&batch, container_of(covered, struct run, under)->task, false);
        }
    }
    task_unlock(task);
    interrupt_all(&batch);
    return covered != NULL;
}

void task_cancel_covered(struct task *task, const struct bine_pool *pool, int64_t at)
{
    struct scope *walked = NULL;
    while (tell_covered(task, pool, &walked, at))
        ;
    walk(walked, at);
}

/* Its first cancellation: notes when, where the record has room for that. */
static void note_time(struct task *task, int64_t at)
{
    int64_t before = 0;
    if (task_has(task, TASK_MORE) || task_stage(task) == STAGE_STARTED)
        atomic_compare_exchange_strong_explicit(&task->cancelled_at, &before, at,
                                                memory_order_relaxed, memory_order_relaxed);
}

void task_cancel(struct task *task)
{
    int64_t at = clock_now();
    if (!task_marked(task, MARK_CANCELLED))
        note_time(task, at);
    /* seq_cst: pairs with the fence in wait_park(), and with task_add_covered(). release: pairs
     * with the acquire in run_cancelled_at(). */
    atomic_fetch_or_explicit(&task->marks, MARK_CANCELLED, memory_order_seq_cst);
    atomic_thread_fence(memory_order_seq_cst);
    if (task_stage(task) == STAGE_FRESH)
        return;
    if (task_marked(task, MARK_COVERS))
        task_cancel_covered(task, NULL, at);
    task_interrupt(task);
}

/* --- the tree --- */

/* Locked. */
static bool is_cancelled(const struct scope *scope)
{
    return atomic_load_explicit(&scope->cancelled, memory_order_relaxed) &&
           scope->cancelled_at != scope->deadline;
}

bool scope_is_cancelled(struct scope *scope)
{
    spin_lock(&scope->lock);
    bool cancelled = is_cancelled(scope);
    spin_unlock(&scope->lock);
    return cancelled;
}

static bool *deeper_at(struct scope *scope, struct scope *parent)
{
    struct run *run = scope->owner;
    return parent->owner == run ? &parent->deeper : &run->deeper;
}

static bool attach_to_parent(struct scope *scope, struct scope *parent, int64_t *at)
{
    spin_lock(&parent->lock);
    covered_add(&parent->inside, &scope->in);
    *deeper_at(scope, parent) = true;
    bool cancelled = is_cancelled(parent);
    *at = parent->cancelled_at;
    spin_unlock(&parent->lock);
    return cancelled;
}

static bool attach_to_task(struct scope *scope, const struct run *run, int64_t *at)
{
    task_add_covered(run->marked, &scope->in);
    if (likely(!run_marked(run)))
        return false;
    *at = run_cancelled_at(run);
    return true;
}

void scope_attach(struct scope *scope)
{
    const struct run *run = scope->owner;
    int64_t at;
    if (!scope->parent && (scope->sheltered || !run->pool))
        return; /* nothing can cancel it from above: on a plain thread, or behind a shield */
    scope->in.kind = COVERED_SCOPE;
    scope->attached = true;
    if (scope->parent ? attach_to_parent(scope, scope->parent, &at)
                      : attach_to_task(scope, run, &at))
        scope_cancel(scope, -ECANCELED, at);
}

void scope_detach(struct scope *scope)
{
    if (!scope->attached)
        return;
    if (scope->parent) {
        spin_lock(&scope->parent->lock);
        covered_remove(&scope->in);
        *deeper_at(scope, scope->parent) = false;
        spin_unlock(&scope->parent->lock);
    } else {
        task_remove_covered(scope->owner->marked, &scope->in);
    }
    scope->attached = false;
}

int64_t run_cancelled_at(const struct run *run)
{
    int64_t first = INT64_MAX;
    struct scope *inside = run->inside;
    /* acquire, here and below: pairs with the release of who has set the mark. */
    if (inside && atomic_load_explicit(&inside->cancelled, memory_order_acquire))
        first = inside->cancelled_at;
    if (run->shielded || !run->pool)
        return first;
    if (atomic_load_explicit(&run->marked->marks, memory_order_acquire) & MARK_CANCELLED) {
        int64_t at = atomic_load_explicit(&run->marked->cancelled_at, memory_order_relaxed);
        first = !at ? INT64_MIN : at < first ? at : first;
    }
    if (atomic_load_explicit(&run->pool->cancelled, memory_order_acquire) &&
        run->pool->cancelled_at < first)
        first = run->pool->cancelled_at;
    return first;
}
