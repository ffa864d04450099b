/*
 * Scopes: opening, starting tasks, closing.
 *
 *    CLOSED --bine_scope_open()--> OPEN --bine_scope_close()--> OPEN, CLOSING --> CLOSED
 *                                                                |        ^
 *                                      commit_close(), not empty v        | who makes it empty
 *                                                      OPEN, CLOSING, WAITED
 *
 * 1. One word counts tasks and pins, and says what who takes one away must do; so whoever makes the
 *    scope empty learns that the owner waits in the same step, which is its last touch of the scope
 *    unless the owner waits for it.
 * 2. A task is counted from before it is started until it has ended: its result is there, its
 *    record is free, and nothing of it uses its stack.
 * 3. With a limit, FULL is set in the step that finds the scope full, by who then waits for room,
 *    the room's lock held. Who ends a task while FULL is set hands its place to the oldest waiter:
 *    the place is counted throughout.
 * 4. What comes first is the result: it is kept by who marks the scope cancelled. A deadline marks
 *    nobody by itself. Those inside have it as theirs; whoever would start a task reads the clock;
 *    and the last task, before it goes, looks whether it was there when the deadline passed.
 * 5. Before it is empty for good the scope leaves the tree, so that no pin can come any more.
 */
#include "sched/scope.h"
#include "sched/fatal.h"
#include "sched/park.h"
#include "sched/worker.h"
#include "time/clock.h"
#include <errno.h>

static struct scope *scope_of(bine_scope *scope)
{
    return (struct scope *)scope;
}

static uint64_t word_of(const struct scope *scope)
{
    return atomic_load_explicit(&scope->word, memory_order_relaxed);
}

/* --- opening --- */

void bine_scope_open(bine_scope *object, bine_time deadline)
{
    struct scope *scope = scope_of(object);
    deadline_check("bine_scope_open", deadline);
    *scope = (struct scope){.late_until = INT64_MIN};
    atomic_store_explicit(&scope->word, SCOPE_OPEN, memory_order_relaxed);
    run_push_scope(run_self(), scope, deadline);
    scope_attach(scope);
}

void bine_scope_limit(bine_scope *object, unsigned limit)
{
    struct scope *scope = scope_of(object);
    if (limit == 0)
        fatal_misuse("bine_scope_limit", "the limit is at least 1");
    if (scope_tasks(word_of(scope)) > 0)
        fatal_misuse("bine_scope_limit", "the scope has tasks already");
    scope->limit = limit;
}

/* --- the places of tasks --- */

static bool is_full(const struct scope *scope, uint64_t word)
{
    return scope->limit && scope_tasks(word) >= scope->limit;
}

static bool is_closed(uint64_t word)
{
    return !(word & SCOPE_OPEN) || ((word & SCOPE_CLOSING) && scope_tasks(word) == 0);
}

/* True once nothing may be started in it. */
static bool is_over(const struct scope *scope)
{
    return atomic_load_explicit(&scope->cancelled, memory_order_relaxed) ||
           (scope->deadline != BINE_NEVER && scope->deadline <= clock_now());
}

/* Takes a place: 0, -ECANCELED where it is closed, -EAGAIN where it is full, which `when_full`, a
 * flag or 0, then says in its word. */
static int take_place(struct scope *scope, uint64_t when_full)
{
    uint64_t word = word_of(scope), after;
    bool full;
    do {
        if (is_closed(word))
            return -ECANCELED;
        full = is_full(scope, word);
        after = full ? word | when_full : word + SCOPE_TASK;
        if (after == word)
            break;
    } while (!atomic_compare_exchange_weak_explicit(&scope->word, &word, after,
                                                    memory_order_relaxed, memory_order_relaxed));
    return full ? -EAGAIN : 0;
}

struct wait *room_claim_first(struct room_list *room)
{
    while (room->first) {
        struct wait *wait = room->first;
        room_remove(room, wait);
        if (wait_claim(wait))
            return wait;
    }
    return NULL;
}

void room_remove(struct room_list *room, struct wait *wait)
{
    if (!wait->queued)
        return;
    wait->queued = false;
    *(wait->prev ? &wait->prev->next : &room->first) = wait->next;
    *(wait->next ? &wait->next->prev : &room->last) = wait->prev;
}

static void room_append(struct room_list *room, struct wait *wait)
{
    wait->queued = true;
    wait->next = NULL;
    wait->prev = room->last;
    *(room->last ? &room->last->next : &room->first) = wait;
    room->last = wait;
}

static void commit_room(void *argument)
{
    struct wait *wait = argument;
    struct scope *scope = wait->on;
    wait_commit(wait);
    spin_unlock(&scope->room_lock);
}

/* Room locked. As take_place(), but for one that is over. */
static int take_place_or_wait(struct scope *scope)
{
    return is_over(scope) ? -ECANCELED : take_place(scope, SCOPE_FULL);
}

static int wait_for_room(struct scope *scope)
{
    struct wait wait;
    wait_begin(&wait, "room in a scope", scope, scope->deadline);
    wait.word = 0;
    spin_lock(&scope->room_lock);
    int error = take_place_or_wait(scope);
    if (error != -EAGAIN) {
        spin_unlock(&scope->room_lock);
        wait_abandon(&wait);
        return error;
    }
    room_append(&scope->room, &wait);
    error = wait_park(&wait, commit_room);
    if (!error)
        return (int)wait.word; /* the place of a task that has ended, or -ECANCELED */
    spin_lock(&scope->room_lock);
    room_remove(&scope->room, &wait);
    spin_unlock(&scope->room_lock);
    return error;
}

int scope_admit(struct bine_scope *object)
{
    struct scope *scope = scope_of(object);
    if (unlikely(scope->limit)) {
        worker_heed_budget_here();
        int error = run_check(run_self());
        if (error)
            return error;
    }
    if (is_over(scope))
        return -ECANCELED;
    int error = take_place(scope, 0);
    return unlikely(error == -EAGAIN) ? wait_for_room(scope) : error;
}

/* Hands the place of a task that has ended to who waits for it. False if nobody does; else it was
 * the last touch of the scope. */
static bool hand_place_over(struct scope *scope)
{
    spin_lock(&scope->room_lock);
    struct wait *wait = room_claim_first(&scope->room);
    if (!wait)
        atomic_fetch_and_explicit(&scope->word, ~(uint64_t)SCOPE_FULL, memory_order_relaxed);
    spin_unlock(&scope->room_lock);
    if (wait)
        wait_resume(wait->task);
    return wait != NULL;
}

/* --- the end of tasks and pins --- */

/* The owner cannot go on before it is woken here. */
static void wake_closer(struct scope *scope)
{
    struct wait *wait = scope->closer;
    struct task *task = wait->task;
    if (wait_claim(wait))
        wait_resume(task);
}

/* Takes a task or a pin away if the word is still this. The last touch of the scope. */
static bool take_away(struct scope *scope, uint64_t *word, uint64_t amount)
{
    uint64_t after = *word - amount;
    bool wakes = (after & SCOPE_WAITED) && !(after & SCOPE_INSIDE);
    if (wakes)
        after &= ~(uint64_t)SCOPE_WAITED;
    /* acq_rel: what all who were inside did comes before the close. */
    if (!atomic_compare_exchange_weak_explicit(&scope->word, word, after, memory_order_acq_rel,
                                               memory_order_relaxed))
        return false;
    if (wakes)
        wake_closer(scope);
    return true;
}

/* Tasks have been left until this time, if no longer. */
static void note_late(struct scope *scope, int64_t until)
{
    if (until < scope->deadline)
        return;
    scope_mark_late(scope);
    spin_lock(&scope->lock);
    if (scope->late_until < until)
        scope->late_until = until;
    spin_unlock(&scope->lock);
}

void scope_unpin(struct scope *scope)
{
    uint64_t word = word_of(scope);
    while (!take_away(scope, &word, SCOPE_PIN))
        ;
}

void scope_end_task(struct scope *scope, int error)
{
    bool looked = scope->deadline == BINE_NEVER;
    if (unlikely(error < 0))
        scope_cancel(scope, error, clock_now());
    uint64_t word = word_of(scope);
    do {
        if (unlikely(!looked && scope_tasks(word) == 1)) {
            note_late(scope, clock_now());
            looked = true;
        }
        while (unlikely(word & SCOPE_FULL)) {
            if (hand_place_over(scope))
                return;
            word = word_of(scope);
        }
    } while (!take_away(scope, &word, SCOPE_TASK));
}

/* --- cancelling and closing --- */

static bool pin_open(struct scope *scope)
{
    uint64_t word = word_of(scope);
    while (word & SCOPE_OPEN)
        if (atomic_compare_exchange_weak_explicit(&scope->word, &word, word + SCOPE_PIN,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

void bine_scope_cancel(bine_scope *object, int result)
{
    struct scope *scope = scope_of(object);
    if (result > 0)
        fatal_misuse("bine_scope_cancel", "the result is 0 or a negative error");
    if (!pin_open(scope))
        return;
    scope_cancel(scope, result, clock_now());
    scope_unpin(scope);
}

static void commit_close(void *argument)
{
    struct wait *wait = argument;
    struct scope *scope = wait->on;
    struct task *task = wait->task;
    uint64_t word = word_of(scope);
    wait_commit(wait);
    do {
        if (!(word & SCOPE_INSIDE)) { /* nobody else knows that it waits */
            wait_claim(wait);
            wait_resume(task);
            return;
        }
        /* release: pairs with the acquire in take_away(). */
    } while (!atomic_compare_exchange_weak_explicit(&scope->word, &word, word | SCOPE_WAITED,
                                                    memory_order_release, memory_order_relaxed));
}

static void wait_until_empty(struct scope *scope)
{
    /* acquire: pairs with the release in take_away(). */
    while (atomic_load_explicit(&scope->word, memory_order_acquire) & SCOPE_INSIDE) {
        struct wait wait;
        wait_begin_firm(&wait, "the tasks of a scope", scope, BINE_NEVER);
        scope->closer = &wait;
        wait_park(&wait, commit_close);
    }
}

static void check_close(const struct scope *scope, const struct run *run)
{
    if (!(word_of(scope) & SCOPE_OPEN))
        fatal_misuse("bine_scope_close", "the scope is not open");
    if (scope->owner != run)
        fatal_misuse("bine_scope_close", "the scope was opened by another task");
    if (atomic_load_explicit(&run->scope, memory_order_relaxed) != scope)
        fatal_misuse("bine_scope_close", "a scope that was opened later is still open");
}

/* The scope is empty and out of the tree. */
static int result_of(struct scope *scope)
{
    if (atomic_load_explicit(&scope->cancelled, memory_order_acquire))
        return scope->result;
    /* Somebody may have cancelled what is around it, and not have come here before it was gone. */
    if (scope->parent ? scope_is_cancelled(scope->parent)
                      : !scope->sheltered && run_marked(scope->owner))
        return -ECANCELED;
    return 0;
}

int bine_scope_close(bine_scope *object)
{
    struct scope *scope = scope_of(object);
    worker_heed_budget_here();
    struct run *run = run_self();
    check_close(scope, run);
    if (word_of(scope) & SCOPE_INSIDE) {
        atomic_fetch_or_explicit(&scope->word, SCOPE_CLOSING, memory_order_relaxed);
        wait_until_empty(scope);
    }
    scope_detach(scope);
    wait_until_empty(scope);
    run_pop_scope(run, scope);
    wait_until_empty(scope); /* a covered call that was taken meanwhile */
    int result = result_of(scope);
    if (scope->outer) /* what was left in this was left there, too */
        note_late(scope->outer, scope->late_until);
    atomic_store_explicit(&scope->word, 0, memory_order_relaxed);
    return result;
}

/* --- BINE_SCOPE --- */

void bine_scope_enter_(bine_scope *scope, bine_time deadline, int *error)
{
    bine_scope_open(scope, deadline);
    scope_of(scope)->error = error;
}

bine_scope *bine_scope_exit_(bine_scope *scope)
{
    int *error = scope_of(scope)->error;
    int result = bine_scope_close(scope);
    if (error)
        *error = result;
    return NULL;
}

void bine_scope_leave_(bine_scope *scope)
{
    if (!(word_of(scope_of(scope)) & SCOPE_OPEN))
        return;
    bine_scope_cancel(scope, -ECANCELED);
    bine_scope_exit_(scope);
}
