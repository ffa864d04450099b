/*
 * Waiting for a descriptor to become ready.
 *
 * 1. An edge is remembered in the side's word until a task has tried in vain, or has had less than
 *    it asked for of a stream, and no edge came since it began: only then the side is EMPTY. So a
 *    task may park without asking the kernel again, and no edge is lost.
 * 2. Waiters are served in the order in which they came, one at a time. The one that was woken is SERVED
 *    until it has got something, and then hands on; where it has tried in vain it goes back to the
 *    head of the list, and nobody is served before it.
 * 3. READY with waiters in the list means that one is on its way (SERVED).
 * 4. Waits are in the list only while the descriptor is OPEN in their generation: closing takes
 *    them all out. A wait that ended otherwise takes itself out, the lock held.
 */
#include "io/descriptor.h"
#include "poll/poll.h"
#include "sched/fatal.h"
#include "sched/monitor.h"
#include "sched/pool.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Descriptor locked. */
static void set_word(struct side *side, uint32_t word)
{
    word = side->waits.first ? word | SIDE_WAITERS : word & ~(uint32_t)SIDE_WAITERS;
    /* release: pairs with the acquire in side_may_try(). */
    atomic_store_explicit(&side->word, word, memory_order_release);
}

static uint32_t word_of(const struct side *side)
{
    return atomic_load_explicit(&side->word, memory_order_relaxed);
}

static void add_task(struct task **list, struct wait *wait)
{
    wait->task->next = *list;
    *list = wait->task;
}

/* Descriptor locked. Sets the word, and takes the first waiter out if it should try; it is claimed,
 * and to be resumed by the caller. */
static struct wait *serve(struct side *side, uint32_t word)
{
    struct wait *next = NULL;
    if ((word & (SIDE_READY | SIDE_SERVED)) == SIDE_READY &&
        (next = waitlist_claim_first(&side->waits))) {
        next->word = WOKEN_READY;
        word |= SIDE_SERVED;
    }
    set_word(side, word);
    return next;
}

void side_close(struct side *side, struct task **woken)
{
    struct wait *wait = waitlist_claim_all(&side->waits);
    while (wait) {
        struct wait *next = wait->next;
        wait->word = WOKEN_CLOSED;
        add_task(woken, wait);
        wait = next;
    }
    set_word(side, 0);
}

/* --- events --- */

static struct wait *side_event(struct side *side, uint32_t ready)
{
    uint32_t word = word_of(side) + SIDE_EDGE;
    return serve(side, word | SIDE_READY | (ready & READY_LAST ? SIDE_LAST : 0));
}

static void deliver_one(const struct poll_event *event, struct task **woken)
{
    struct descriptor *descriptor = descriptor_find((int)(event->key & INT32_MAX));
    struct wait *wait;
    spin_lock(&descriptor->lock);
    if (descriptor_is_open(descriptor, (uint32_t)(event->key >> 32))) {
        if ((event->ready & READY_IN) &&
            (wait = side_event(&descriptor->side[SIDE_IN], event->ready)))
            add_task(woken, wait);
        if ((event->ready & READY_OUT) &&
            (wait = side_event(&descriptor->side[SIDE_OUT], event->ready)))
            add_task(woken, wait);
    }
    spin_unlock(&descriptor->lock);
}

static void deliver(const struct poll_batch *batch)
{
    struct task *woken = NULL;
    for (int i = batch->count; i-- > 0;) /* the list is built from its end */
        deliver_one(&batch->event[i], &woken);
    wait_resume_all(woken);
}

int side_need_poller(void)
{
    if (likely(poller_is_open()))
        return 0;
    const char *name = getenv("BINE_POLLER");
    int error = poller_open(name && *name ? name : "epoll", deliver);
    if (error != -EINVAL)
        return error;
    static _Atomic bool said;
    if (!atomic_exchange(&said, true))
        say("BINE_POLLER=%.40s: there is no such poller; using epoll", name);
    return poller_open("epoll", deliver);
}

/* --- trying --- */

void side_note(struct use *use, enum side_index index, enum outcome outcome)
{
    struct descriptor *descriptor = use->descriptor;
    struct side *side = &descriptor->side[index];
    struct wait *next = NULL;
    if (outcome == OUTCOME_SHORT && (use->seen & SIDE_LAST))
        outcome = OUTCOME_MORE;
    bool keeps_turn = use->served && outcome == OUTCOME_NONE;
    spin_lock(&descriptor->lock);
    if (descriptor_is_open(descriptor, use->generation)) {
        uint32_t word = word_of(side);
        bool same = (word ^ use->seen) < SIDE_EDGE && !((word ^ use->seen) & SIDE_LAST);
        if (outcome != OUTCOME_MORE && same)
            word &= ~(uint32_t)SIDE_READY;
        if (use->served && !keeps_turn)
            word &= ~(uint32_t)SIDE_SERVED;
        next = serve(side, word);
    }
    use->served = keeps_turn;
    spin_unlock(&descriptor->lock);
    if (next)
        wait_resume(next->task);
}

/* --- waiting --- */

/* Sees that the poller announces the descriptor. */
int side_announce(struct use *use)
{
    struct descriptor *descriptor = use->descriptor;
    bool polled = atomic_load_explicit(&descriptor->polled, memory_order_relaxed);
    if (likely(polled && (use_traits(use) & TRAIT_OURS)))
        return 0;
    int error = side_need_poller();
    if (error)
        return error;
    if (!use_enter(use))
        return -EBADF;
    error = poller_add(use->fd, (uint64_t)use->generation << 32 | (uint32_t)use->fd);
    if (!error || error == -EEXIST)
        atomic_store_explicit(&descriptor->polled, true, memory_order_relaxed);
    if (!error && polled) /* the number is another one: somebody has used close() */
        error = use_identify_again(use);
    use_leave(use);
    return error == -EEXIST ? 0 : error;
}

static void commit_wait(void *argument)
{
    struct wait *wait = argument;
    struct descriptor *descriptor = wait->on;
    wait_commit(wait);
    spin_unlock(&descriptor->lock);
}

bool side_join(struct side *side, struct wait *wait)
{
    uint32_t word = word_of(side);
    if ((word & (SIDE_READY | SIDE_SERVED | SIDE_WAITERS)) == SIDE_READY)
        return false;
    wait->word = WOKEN_NOT;
    waitlist_append(&side->waits, wait);
    set_word(side, word);
    return true;
}

/* The same for one that was served in vain, whose turn it still is. */
static bool rejoin(struct side *side, struct wait *wait)
{
    uint32_t word = word_of(side);
    if (word & SIDE_READY)
        return false;
    wait->word = WOKEN_NOT;
    waitlist_prepend(&side->waits, wait);
    set_word(side, word & ~(uint32_t)SIDE_SERVED);
    return true;
}

void side_depart(struct side *side, struct wait *wait, struct task **woken)
{
    struct wait *next = NULL;
    if (wait->word == WOKEN_READY)
        next = serve(side, word_of(side) & ~(uint32_t)SIDE_SERVED);
    else if (waitlist_remove(&side->waits, wait))
        set_word(side, word_of(side));
    if (next)
        add_task(woken, next);
}

/* A wait that nobody has granted. */
static void take_out(struct descriptor *descriptor, struct side *side, struct wait *wait)
{
    struct task *nobody = NULL;
    spin_lock(&descriptor->lock);
    side_depart(side, wait, &nobody);
    spin_unlock(&descriptor->lock);
    assert(!nobody);
}

static int park(struct use *use, struct side *side, const char *what)
{
    struct descriptor *descriptor = use->descriptor;
    struct wait wait;
    wait_begin(&wait, what, descriptor, BINE_NEVER);
    spin_lock(&descriptor->lock);
    bool is_open = descriptor_is_open(descriptor, use->generation);
    if (!is_open || !(use->served ? rejoin(side, &wait) : side_join(side, &wait))) {
        spin_unlock(&descriptor->lock);
        wait_abandon(&wait);
        return is_open ? 0 : -EBADF;
    }
    use->served = false;
    int error = wait_park(&wait, commit_wait);
    if (error)
        take_out(descriptor, side, &wait);
    else if (wait.word == WOKEN_CLOSED)
        error = -EBADF;
    else
        use->served = true;
    return error;
}

int side_begin_in_thread(void)
{
    if (!pool_default())
        return -errno;
    monitor_count_waiting_thread(1);
    return 0;
}

void side_end_in_thread(void)
{
    monitor_count_waiting_thread(-1);
}

int side_wait(struct use *use, enum side_index index, const char *what)
{
    bool in_thread = !worker_self();
    int error = side_announce(use);
    if (!error && in_thread)
        error = side_begin_in_thread();
    if (error) {
        side_tried(use, index, OUTCOME_MORE); /* the next in line may fare better */
        return error;
    }
    error = park(use, &use->descriptor->side[index], what);
    if (in_thread)
        side_end_in_thread();
    return error;
}
