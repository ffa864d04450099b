/*
 * Cancelling, and how it comes down the tree of scopes.
 *
 * 1. A walk first marks the scope and all scopes inside, with a list instead of recursion, however
 *    deep; then it calls them settled; then it ends the waits in each. Who sets scope->cancelled,
 *    once, is whose list the scope is in, and who tells what is inside.
 * 2. Who comes to cancel a scope that somebody else has marked waits until it is settled. So does a
 *    walk that meets one, before it calls its own settled. Hence all inner scopes are marked when a
 *    cancelling call returns, whoever has marked them. One walk waits for another only where that
 *    began further in, and marking waits for nothing else: there is no circle.
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

/* What one call cancels. */
struct walk {
    struct scope *first, **end; /* scopes that it has marked, by `walked` in the order of that */
    int64_t at;                 /* ns: when they were cancelled */
    bool meets_others;          /* it has met one that somebody else is marking */
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

/* --- marking --- */

static bool is_settled(const struct scope *scope)
{
    /* acquire: pairs with the release in settle(); who sees it and tells others has them see the
     * marks of all inner scopes. */
    return atomic_load_explicit(&scope->settled, memory_order_acquire);
}

static void settle(struct scope *scope)
{
    atomic_store_explicit(&scope->settled, true, memory_order_release);
}

/* False if it was marked before. */
static bool mark(struct scope *scope, int result, int64_t at)
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

void scope_mark_late(struct scope *scope)
{
    if (mark(scope, -ETIMEDOUT, scope->deadline))
        settle(scope);
}

/* The scope cannot go meanwhile: its list's lock is held, say. */
static void mark_for(struct walk *walk, struct scope *scope, int result)
{
    if (!mark(scope, result, walk->at)) {
        walk->meets_others |= !is_settled(scope);
        return;
    }
    atomic_fetch_add_explicit(&scope->word, SCOPE_PIN, memory_order_relaxed);
    scope->walked = NULL;
    *walk->end = scope;
    walk->end = &scope->walked;
}

static void place_before(struct covered *next, struct covered *place)
{
    place->next = next;
    place->back = next->back;
    *place->back = place;
    next->back = &place->next;
}

/* Locked. Marks some of the scopes in the list. Returns where to go on; NULL: that was all. */
static struct covered *mark_some(struct covered *next, struct walk *walk)
{
    walk->meets_others = false;
    for (int i = 0; next && i < LOOKED_AT; i++, next = next->next) {
        if (next->kind == COVERED_SCOPE)
            mark_for(walk, container_of(next, struct scope, in), -ECANCELED);
        if (walk->meets_others)
            break;
    }
    return next;
}

/* Marks the scopes that are in this one by now; those that come later see that it is cancelled. */
static void mark_inside(struct scope *scope, struct walk *walk)
{
    struct covered place = {.kind = COVERED_PLACE};
    struct backoff backoff = {0};
    spin_lock(&scope->lock);
    struct covered *next = scope->inner;
    while ((next = mark_some(next, walk))) {
        place_before(next, &place);
        spin_unlock(&scope->lock);
        if (walk->meets_others)
            backoff_pause(&backoff);
        spin_lock(&scope->lock);
        next = place.next;
        covered_remove(&place);
    }
    spin_unlock(&scope->lock);
}

/* --- telling --- */

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

/* The lock of the list is held. */
static void visit(const struct covered *covered, struct batch *batch)
{
    const struct run *run = container_of(covered, struct run, in);
    if (covered->kind == COVERED_RUN && !run->deeper)
        note(batch, run->task, false);
}

/* Tells the tasks that are in the scope's list by now; who comes later sees that it is cancelled. */
static void tell_inside(struct scope *scope)
{
    struct batch batch = {0};
    struct covered place = {.kind = COVERED_PLACE};
    spin_lock(&scope->lock);
    if (!scope->deeper)
        note(&batch, scope->owner->task, scope->sheltered);
    struct covered *next = scope->inside;
    while (next) {
        for (int i = 0; next && i < LOOKED_AT && batch.count < BATCH; i++, next = next->next)
            visit(next, &batch);
        if (!next)
            break;
        place_before(next, &place);
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

/* Goes through the scopes that were marked, and all that is inside them. */
static void go_through(struct walk *walk)
{
    struct scope *next;
    for (struct scope *scope = walk->first; scope; scope = scope->walked)
        mark_inside(scope, walk);
    for (struct scope *scope = walk->first; scope; scope = scope->walked)
        settle(scope);
    atomic_thread_fence(memory_order_seq_cst); /* the marks are set, then the claims are read */
    for (struct scope *scope = walk->first; scope; scope = next) {
        next = scope->walked;
        tell_inside(scope);
        refuse_room(scope);
        scope_unpin(scope);
    }
}

static void walk_begin(struct walk *walk, int64_t at)
{
    *walk = (struct walk){.end = &walk->first, .at = at};
}

void scope_cancel(struct scope *scope, int result, int64_t at)
{
    struct walk walk;
    struct backoff backoff = {0};
    walk_begin(&walk, at);
    mark_for(&walk, scope, result);
    go_through(&walk);
    while (unlikely(!is_settled(scope)))
        backoff_pause(&backoff);
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

/* Tells some of what a task covers, and marks a scope of it at most; false: that was all. */
static bool tell_covered(struct task *task, const struct bine_pool *pool, struct walk *walk)
{
    struct batch batch = {0};
    task_lock(task);
    bool covers = task_marked(task, MARK_COVERS) && (!pool || task->run->pool == pool);
    struct covered *covered = covers ? task->run->covers : NULL;
    for (; covered && batch.count < BATCH && !walk->first; covered = covered->next) {
        if (covered->kind == COVERED_SCOPE) {
            mark_for(walk, container_of(covered, struct scope, in), -ECANCELED);
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
    struct backoff backoff = {0};
    struct walk walk;
    bool more;
    do {
        walk_begin(&walk, at);
        more = tell_covered(task, pool, &walk);
        go_through(&walk);
        if (!walk.first && walk.meets_others)
            backoff_pause(&backoff);
    } while (more || walk.first || walk.meets_others);
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
    covered_add(&parent->inner, &scope->in);
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
