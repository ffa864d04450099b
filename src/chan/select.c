/*
 * Select.
 *
 * First the cases that look ready are tried, in random order, one lock at a time. Where none can
 * happen, the locks of all channels and events are taken in the order of their addresses, and the
 * cases looked at once more. Only then does the select put itself into all the queues, as one wait
 * that they share; into the joins of tasks, and where descriptors announce their events, it gets in
 * the commit.
 *
 * 1. All channels and events are locked from the last look to the commit. So who finds the wait in
 * a queue finds it committed, or on its way back: nobody looks again at a select that waits for his
 *    own lock.
 * 2. One claim ends the wait, so one case happens. A channel that wins says which: wait.word. Where
 *    an event, a task or a descriptor wins, word is 0; whatever of these has come is true, for none
 *    of them is used up by being seen.
 * 3. Before it returns the select passes through the lock of everything it was queued in, but for
 *    the channel that has won. So nobody touches its memory any more; who commits it does so last
 *    under the lock that he releases last.
 * 4. A send into an unbounded channel never waits: it does not get as far as the queues.
 *
 * Rejected: queueing in one channel after the other. Of two selects that hold a queue each and wait
 * for the other's, neither gets to its commit, for which the claimers wait who hold the locks.
 */
#include "chan/select.h"
#include "chan/box.h"
#include "chan/channel.h"
#include "sched/future.h"
#include "sync/event.h"
#include "time/clock.h"
#include <assert.h>
#include <bine/select.h>
#include <errno.h>
#include <stdlib.h>

enum {
    MOST_CASES = 65536,
    FEW_CASES = 8, /* for which there is room on the stack */
    NO_CASE = -1,
};

/* What a case needs while the select waits. */
union place {
    struct waiter waiter; /* in a channel's queue */
    struct wait alias;    /* in an event's list: the select's wait, as far as a claim needs it */
    struct {
        void *entry; /* of a descriptor, io's */
        int ready;   /* what it said last */
        bool enlisted;
    } fd;
};

struct lockable {
    void *object; /* a channel, an event or a descriptor's spin lock */
    enum bine_case_kind kind;
};

struct room {
    union place places[FEW_CASES];
    struct lockable lockables[FEW_CASES];
};

struct selection {
    struct wait wait;
    bine_case *cases;
    int count;
    bool has_fds;
    int registered; /* cases that the commit has gone through */
    int lockable_count;
    union place *places;        /* one for each case; NULL: not yet needed */
    struct lockable *lockables; /* sorted by address, each object once */
    void *memory;               /* of both; NULL: the stack */
    struct aftermath aftermath; /* of the case that happened */
    size_t value_size;          /* of the channel that it received from, which may be gone */
};

static const struct select_fd_calls *_Atomic fd_calls;

void select_set_fd_calls(const struct select_fd_calls *calls)
{
    atomic_store_explicit(&fd_calls, calls, memory_order_release);
}

static const struct select_fd_calls *calls_for_fds(void)
{
    return atomic_load_explicit(&fd_calls, memory_order_acquire);
}

/* --- chance --- */

/* 0 .. limit - 1. Not inlined: no thread's state is kept over a switch. */
static __attribute__((noinline)) uint32_t random_below(uint32_t limit)
{
    static __thread uint64_t state;
    if (unlikely(!state))
        state = (uint64_t)clock_now() ^ (uintptr_t)&state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) * limit >> 32);
}

/* Draws one of several, met one by one, with equal chances. */
struct draw {
    int drawn; /* NO_CASE while none was met */
    uint32_t met;
};

static void draw_from(struct draw *draw, int index)
{
    draw->met++;
    if (draw->met == 1 || random_below(draw->met) == 0)
        draw->drawn = index;
}

/* --- cases --- */

static bool is_live(const bine_case *one)
{
    return one->kind == BINE_CASE_FD_ ? one->fd >= 0
                                      : one->kind != BINE_CASE_NONE_ && one->object != NULL;
}

static bool looks_ready(const struct selection *selection, int index)
{
    const bine_case *one = &selection->cases[index];
    if (!is_live(one))
        return false;
    switch (one->kind) {
    case BINE_CASE_RECV_:
        return chan_may_receive(one->object);
    case BINE_CASE_SEND_:
        return chan_may_send(one->object);
    case BINE_CASE_TASK_:
        return future_has_ended(one->object);
    case BINE_CASE_EVENT_:
        return bine_event_is_set(one->object);
    case BINE_CASE_FD_:
        return selection->places[index].fd.ready != 0;
    case BINE_CASE_NONE_:
        break;
    }
    return false;
}

static int draw_ready(const struct selection *selection)
{
    struct draw draw = {NO_CASE, 0};
    for (int i = 0; i < selection->count; i++)
        if (looks_ready(selection, i))
            draw_from(&draw, i);
    return draw.drawn;
}

static bool is_on_channel(const bine_case *one)
{
    return is_live(one) && (one->kind == BINE_CASE_RECV_ || one->kind == BINE_CASE_SEND_);
}

static bool is_on(const bine_case *one, enum bine_case_kind kind)
{
    return one->kind == kind && is_live(one);
}

static size_t value_size_of(const bine_case *one)
{
    return ((const struct bine_chan *)one->object)->value_size;
}

/* A channel's lock is held. Does a case that looked ready: 0, and its result says how; -EAGAIN if
 * it would have to wait, -ENOBUFS as chan_send(); or what is wrong with a descriptor. */
static int try_locked(struct selection *selection, int index)
{
    bine_case *one = &selection->cases[index];
    int result = 0;
    if (one->kind == BINE_CASE_SEND_)
        result = chan_send(one->object, one->value, &selection->aftermath);
    else if (one->kind == BINE_CASE_RECV_ && (selection->value_size = value_size_of(one)))
        result = chan_receive(one->object, one->value, &selection->aftermath);
    else if (one->kind == BINE_CASE_FD_ && (result = selection->places[index].fd.ready) < 0)
        return result;
    if (result == -EAGAIN || result == -ENOBUFS)
        return result;
    one->result = result;
    return 0;
}

static int try_unlocked(struct selection *selection, int index)
{
    bine_case *one = &selection->cases[index];
    if (!is_on_channel(one))
        return try_locked(selection, index);
    chan_lock(one->object);
    int result = try_locked(selection, index);
    chan_unlock(one->object);
    chan_finish(&selection->aftermath);
    if (result == -ENOBUFS && (result = chan_grow(one->object)) == 0)
        result = -EAGAIN; /* there is room now: it is to be looked at once more */
    return result;
}

static void ask_fds(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++)
        if (is_on(&selection->cases[i], BINE_CASE_FD_))
            selection->places[i].fd.ready = calls_for_fds()->ready(selection->places[i].fd.entry);
}

/* The index of the case that happened; -EAGAIN where none can; or why the select fails. */
static int choose_unlocked(struct selection *selection)
{
    if (selection->has_fds)
        ask_fds(selection);
    for (;;) {
        int index = draw_ready(selection);
        if (index == NO_CASE)
            return -EAGAIN;
        int error = try_unlocked(selection, index);
        if (!error)
            return index;
        if (error != -EAGAIN)
            return error;
    }
}

/* All locks are held; no descriptor was ready. The index of the case that happened, or -EAGAIN. */
static int choose_locked(struct selection *selection)
{
    for (;;) {
        int index = draw_ready(selection);
        if (index == NO_CASE)
            return -EAGAIN;
        if (try_locked(selection, index) == 0)
            return index;
    }
}

/* --- locks --- */

static int compare_lockables(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct lockable *)left)->object;
    uintptr_t b = (uintptr_t)((const struct lockable *)right)->object;
    return (a > b) - (a < b);
}

static void sort_lockables(struct lockable *lockables, int count)
{
    if (count > FEW_CASES) {
        qsort(lockables, (size_t)count, sizeof *lockables, compare_lockables);
        return;
    }
    for (int i = 1; i < count; i++) {
        struct lockable moved = lockables[i];
        int at = i;
        for (; at > 0 && compare_lockables(&lockables[at - 1], &moved) > 0; at--)
            lockables[at] = lockables[at - 1];
        lockables[at] = moved;
    }
}

static void collect_lockables(struct selection *selection)
{
    struct lockable *lockables = selection->lockables;
    int count = 0, unique = 0;
    for (int i = 0; i < selection->count; i++) {
        const bine_case *one = &selection->cases[i];
        if (is_on_channel(one) || is_on(one, BINE_CASE_EVENT_))
            lockables[count++] = (struct lockable){one->object, one->kind};
        else if (is_on(one, BINE_CASE_FD_))
            lockables[count++] = (struct lockable){
                calls_for_fds()->lock_of(selection->places[i].fd.entry), BINE_CASE_FD_};
    }
    sort_lockables(lockables, count);
    for (int i = 0; i < count; i++)
        if (i == 0 || lockables[i].object != lockables[unique - 1].object)
            lockables[unique++] = lockables[i];
    selection->lockable_count = unique;
}

static void lock_all(const struct selection *selection)
{
    for (int i = 0; i < selection->lockable_count; i++) {
        const struct lockable *lockable = &selection->lockables[i];
        if (lockable->kind == BINE_CASE_EVENT_)
            event_lock(lockable->object);
        else if (lockable->kind == BINE_CASE_FD_)
            spin_lock(lockable->object);
        else
            chan_lock(lockable->object);
    }
    if (selection->lockable_count == 0)
        atomic_thread_fence(memory_order_seq_cst); /* no lock is taken: see wait_park() */
}

/* Nothing of the selection is touched once the last lock is released, nor where there is none. */
static void unlock_all(const struct lockable *lockables, int count)
{
    for (int i = count; i-- > 0;) {
        struct lockable lockable = lockables[i];
        if (lockable.kind == BINE_CASE_EVENT_)
            event_unlock(lockable.object);
        else if (lockable.kind == BINE_CASE_FD_)
            spin_unlock(lockable.object);
        else
            chan_unlock(lockable.object);
    }
}

/* --- waiting --- */

/* All locks are held. False where an edge has come on the way. */
static bool enlist_fds(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++) {
        union place *place = &selection->places[i];
        if (!is_on(&selection->cases[i], BINE_CASE_FD_))
            continue;
        place->fd.enlisted = true;
        if (!calls_for_fds()->enlist(place->fd.entry, &selection->wait))
            return false;
    }
    return true;
}

static void delist_fds(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++) {
        union place *place = &selection->places[i];
        if (!is_on(&selection->cases[i], BINE_CASE_FD_) || !place->fd.enlisted)
            continue;
        place->fd.enlisted = false;
        calls_for_fds()->delist(place->fd.entry);
    }
}

/* All locks are held. */
static void enlist(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++) {
        const bine_case *one = &selection->cases[i];
        union place *place = &selection->places[i];
        if (is_on_channel(one)) {
            bool sends = one->kind == BINE_CASE_SEND_;
            struct bine_chan *ch = one->object;
            place->waiter = (struct waiter){
                .wait = &selection->wait, .value = one->value, .value_size = ch->value_size};
            queue_append(sends ? &ch->senders : &ch->receivers, &place->waiter);
        } else if (is_on(one, BINE_CASE_EVENT_)) {
            wait_alias(&place->alias, &selection->wait);
            event_enlist(one->object, &place->alias);
        }
    }
}

/* In the commit. False where a task has ended. */
static bool register_all(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++) {
        const bine_case *one = &selection->cases[i];
        if (is_on(one, BINE_CASE_TASK_) && !future_register(one->object, &selection->wait))
            return false;
    }
    return true;
}

static void commit_select(void *argument)
{
    struct wait *wait = argument;
    struct selection *selection = container_of(wait, struct selection, wait);
    const struct lockable *lockables = selection->lockables;
    int count = selection->lockable_count;
    if (!wait->aborted && !register_all(selection)) {
        unlock_all(lockables, count);
        wait_grant(wait);
        return;
    }
    wait_commit(wait);
    unlock_all(lockables, count);
}

/* Takes a case out of what it waits in. True if it has come, as long as that is no channel. */
static bool delist_case(struct selection *selection, int index)
{
    const bine_case *one = &selection->cases[index];
    union place *place = &selection->places[index];
    bool came = false;
    if (is_on_channel(one)) {
        struct bine_chan *ch = one->object;
        if ((intptr_t)&place->waiter == selection->wait.word)
            return false;
        chan_lock(ch);
        queue_remove(one->kind == BINE_CASE_SEND_ ? &ch->senders : &ch->receivers, &place->waiter);
        chan_unlock(ch);
    } else if (is_on(one, BINE_CASE_EVENT_)) {
        event_lock(one->object);
        came = event_delist(one->object, &place->alias);
        event_unlock(one->object);
    } else if (is_on(one, BINE_CASE_TASK_)) {
        future_forget(one->object, &selection->wait);
        came = future_has_ended(one->object);
    }
    return came;
}

/* Returns one of the cases that have come, NO_CASE if there is none but perhaps a channel. */
static int delist_all(struct selection *selection)
{
    struct draw draw = {NO_CASE, 0};
    for (int i = 0; i < selection->count; i++)
        if (delist_case(selection, i))
            draw_from(&draw, i);
    if (selection->has_fds)
        delist_fds(selection);
    return draw.drawn;
}

/* Queued, all locks held. The index of the case that happened, -EAGAIN if a descriptor is to be
 * asked, -ETIMEDOUT or -ECANCELED. */
static int park(struct selection *selection)
{
    struct wait *wait = &selection->wait;
    wait->word = 0;
    int error = wait_park(wait, commit_select);
    int index = delist_all(selection);
    if (error)
        return error;
    if (wait->word) {
        struct waiter *won = (struct waiter *)wait->word;
        index = (int)(container_of(won, union place, waiter) - selection->places);
        selection->cases[index].result = won->result;
        selection->value_size = won->value_size;
    } else if (index == NO_CASE) {
        return -EAGAIN;
    } else {
        selection->cases[index].result = 0;
    }
    return index;
}

static int wait_once(struct selection *selection, bine_time deadline)
{
    wait_begin(&selection->wait, "select", selection->cases, deadline);
    lock_all(selection);
    int index = choose_locked(selection);
    if (index < 0 && enlist_fds(selection)) {
        enlist(selection);
        return park(selection);
    }
    unlock_all(selection->lockables, selection->lockable_count);
    wait_abandon(&selection->wait);
    chan_finish(&selection->aftermath);
    if (selection->has_fds)
        delist_fds(selection);
    return index;
}

/* --- the whole --- */

/* Sees that there is room for what waiting takes: 0 or -ENOMEM. */
static int make_room(struct selection *selection, struct room *room)
{
    size_t count = (size_t)selection->count;
    selection->places = room->places;
    selection->lockables = room->lockables;
    if (count <= FEW_CASES)
        return 0;
    selection->memory = malloc(count * (sizeof *selection->places + sizeof *selection->lockables));
    if (!selection->memory)
        return -ENOMEM;
    selection->places = selection->memory;
    selection->lockables = (struct lockable *)(selection->places + count);
    return 0;
}

static void end_fds(struct selection *selection, int count)
{
    for (int i = 0; i < count; i++)
        if (is_on(&selection->cases[i], BINE_CASE_FD_))
            calls_for_fds()->end(selection->places[i].fd.entry);
}

/* 0, or the error with which one failed. */
static int begin_fds(struct selection *selection)
{
    for (int i = 0; i < selection->count; i++) {
        const bine_case *one = &selection->cases[i];
        if (!is_on(one, BINE_CASE_FD_))
            continue;
        selection->places[i].fd.enlisted = false;
        int error = calls_for_fds()->begin(one->fd, one->events, &selection->places[i].fd.entry);
        if (error) {
            end_fds(selection, i);
            return error;
        }
    }
    return 0;
}

/* The index of the case that happened, or an error. */
static int select_among(struct selection *selection, bine_time deadline)
{
    int index = choose_unlocked(selection);
    if (index != -EAGAIN || deadline == BINE_NOW)
        return index;
    deadline_check("bine_select_until", deadline);
    collect_lockables(selection);
    while ((index = wait_once(selection, deadline)) == -EAGAIN)
        if ((index = choose_unlocked(selection)) != -EAGAIN)
            break;
    return index;
}

static __attribute__((noinline)) int select_in_room(struct selection *selection, bine_time deadline)
{
    struct room room;
    int index = make_room(selection, &room);
    if (!index && selection->has_fds)
        index = begin_fds(selection);
    if (!index) {
        index = select_among(selection, deadline);
        if (selection->has_fds)
            end_fds(selection, selection->count);
    }
    free(selection->memory);
    return index;
}

static int check_cases(struct selection *selection)
{
    if (selection->count < 0 || selection->count > MOST_CASES ||
        (selection->count > 0 && !selection->cases))
        return -EINVAL;
    for (int i = 0; i < selection->count; i++) {
        const bine_case *one = &selection->cases[i];
        if ((unsigned)one->kind > BINE_CASE_FD_)
            return -EINVAL;
        selection->has_fds |= is_on(one, BINE_CASE_FD_);
    }
    return selection->has_fds && !calls_for_fds() ? -EINVAL : 0;
}

/* Tells of a box that was received. */
static int arrive(const struct selection *selection, int index)
{
    const bine_case *one = index < 0 ? NULL : &selection->cases[index];
    if (one && one->kind == BINE_CASE_RECV_ && one->result == 0)
        box_leave_channel(one->value, selection->value_size);
    return index;
}

int bine_select_until(bine_case *cases, int count, bine_time deadline)
{
    struct selection selection;
    selection.cases = cases;
    selection.count = count;
    selection.has_fds = false;
    selection.memory = NULL;
    selection.aftermath = (struct aftermath){0};
    int result = check_cases(&selection);
    if (!result && deadline != BINE_NOW) {
        worker_heed_budget_here();
        result = run_check(run_self());
    }
    if (result)
        return result;
    if (!selection.has_fds) { /* most often something is ready, and no room is needed */
        result = choose_unlocked(&selection);
        if (result != -EAGAIN || deadline == BINE_NOW)
            return arrive(&selection, result);
    }
    return arrive(&selection, select_in_room(&selection, deadline));
}

int bine_select(bine_case *cases, int count)
{
    return bine_select_until(cases, count, BINE_NEVER);
}

int bine_try_select(bine_case *cases, int count)
{
    return bine_select_until(cases, count, BINE_NOW);
}
