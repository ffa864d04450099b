/*
 * Channels.
 *
 * A waiter is live while its wait has not been ended: by a hand-over, here or, of a select, in
 * another channel; by a deadline or a cancellation. One that is not is passed over and taken out by
 * whoever meets it. With the lock released:
 *
 * 1. count <= capacity, and without a buffer (capacity 0) count is 0.
 * 2. Live receivers wait only while count is 0, live senders only while the buffer is full: what
 *    can be done at once never waits, and nobody overtakes who waits.
 * 3. Of live senders and live receivers in one channel all belong to one select, which does not
 *    serve itself.
 * 4. A closed channel has no waiters, and gets none.
 * 5. An unbounded channel has no senders.
 *
 * Everything is protected by the lock; count, closed and the queues' firsts are atomic for those
 * who look without it, to see that an operation would have to wait. Each has one thing to see, and
 * a closed channel stays closed: so there was a moment at which all that they saw was true.
 *
 * Who is let through may drop the last reference. So the lock's release is the last touch of the
 * channel, resuming comes after, and even -EPIPE is found only with the lock held.
 *
 * Rejected: -EPIPE by a look at closed alone; who closes still holds the lock then. Waiters that
 * are told "look again": a value would be overtaken on its way to who was first.
 */
#include "chan/channel.h"
#include "chan/box.h"
#include "sched/call.h"
#include "sched/fatal.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { LARGEST_VALUE = 64 * 1024 /* bytes */ };

/* --- invariants --- */

#ifdef NDEBUG
static inline void check_invariants(const struct bine_chan *ch)
{
    (void)ch;
}
#else
static const struct waiter *first_live(const struct queue *queue)
{
    const struct waiter *waiter = atomic_load_explicit(&queue->first, memory_order_relaxed);
    while (waiter && !wait_is_live(waiter->wait))
        waiter = waiter->next;
    return waiter;
}

/* Lock held. */
static void check_invariants(const struct bine_chan *ch)
{
    size_t count = atomic_load_explicit(&ch->count, memory_order_relaxed);
    const struct waiter *sender = first_live(&ch->senders), *receiver = first_live(&ch->receivers);
    assert(count <= ch->capacity);
    assert(!receiver || count == 0);
    assert(!sender || count == ch->capacity);
    assert(!sender || !receiver || sender->wait == receiver->wait);
    assert(!atomic_load_explicit(&ch->closed, memory_order_relaxed) ||
           (!atomic_load_explicit(&ch->senders.first, memory_order_relaxed) &&
            !atomic_load_explicit(&ch->receivers.first, memory_order_relaxed)));
    assert(ch->capacity != BINE_UNBOUNDED ||
           !atomic_load_explicit(&ch->senders.first, memory_order_relaxed));
}
#endif

static inline void lock(struct bine_chan *ch)
{
    spin_lock(&ch->lock);
    check_invariants(ch);
}

static inline void unlock(struct bine_chan *ch)
{
    check_invariants(ch);
    spin_unlock(&ch->lock);
}

/* --- queues; lock held --- */

static inline struct waiter *first_of(const struct queue *queue)
{
    return atomic_load_explicit(&queue->first, memory_order_relaxed);
}

static inline void set_first(struct queue *queue, struct waiter *waiter)
{
    atomic_store_explicit(&queue->first, waiter, memory_order_relaxed);
}

static inline void append(struct queue *queue, struct waiter *waiter)
{
    struct waiter *first = first_of(queue);
    waiter->queued = true;
    waiter->next = NULL;
    if (first) {
        waiter->prev = first->prev;
        waiter->prev->next = waiter;
        first->prev = waiter;
    } else {
        waiter->prev = waiter;
        set_first(queue, waiter);
    }
}

static inline struct waiter *take_first(struct queue *queue)
{
    struct waiter *first = first_of(queue);
    first->queued = false;
    if (first->next)
        first->next->prev = first->prev;
    set_first(queue, first->next);
    return first;
}

void queue_remove(struct queue *queue, struct waiter *waiter)
{
    struct waiter *first = first_of(queue);
    if (!waiter->queued)
        return;
    if (waiter == first) {
        take_first(queue);
        return;
    }
    waiter->queued = false;
    waiter->prev->next = waiter->next;
    *(waiter->next ? &waiter->next->prev : &first->prev) = waiter->prev;
}

/* Takes the oldest live waiter out, now claimed; NULL: there is none. */
static inline struct waiter *claim_first(struct queue *queue)
{
    while (first_of(queue)) {
        struct waiter *waiter = take_first(queue);
        if (likely(wait_claim(waiter->wait)))
            return waiter;
    }
    return NULL;
}

/* Tells a claimed waiter how it ended. Its task is all that may be touched once it is resumed. */
static inline struct task *settle(struct waiter *waiter, int result)
{
    waiter->result = result;
    waiter->wait->word = (intptr_t)waiter;
    return waiter->wait->task;
}

/* --- sending and receiving --- */

static inline size_t count_of(const struct bine_chan *ch)
{
    return atomic_load_explicit(&ch->count, memory_order_relaxed);
}

static inline bool is_closed(const struct bine_chan *ch)
{
    return atomic_load_explicit(&ch->closed, memory_order_relaxed);
}

static inline bool may_send(const struct bine_chan *ch)
{
    return count_of(ch) < ch->capacity || first_of(&ch->receivers) || is_closed(ch);
}

static inline bool may_receive(const struct bine_chan *ch)
{
    return count_of(ch) > 0 || first_of(&ch->senders) || is_closed(ch);
}

static inline void put(struct bine_chan *ch, const void *value)
{
    buffer_put(&ch->buffer, value, ch->value_size);
    atomic_store_explicit(&ch->count, count_of(ch) + 1, memory_order_relaxed);
}

static inline __attribute__((always_inline)) int send_now(struct bine_chan *ch, const void *value,
                                                          struct aftermath *aftermath)
{
    struct waiter *receiver;
    if (unlikely(is_closed(ch)))
        return -EPIPE;
    if (first_of(&ch->receivers) && (receiver = claim_first(&ch->receivers))) {
        if (receiver->value)
            value_copy(receiver->value, value, ch->value_size);
        aftermath->resume = settle(receiver, 0);
        return 0;
    }
    if (count_of(ch) == ch->capacity)
        return -EAGAIN;
    if (unlikely(!ch->buffer.tail))
        return -ENOBUFS;
    put(ch, value);
    return 0;
}

static inline void take(struct bine_chan *ch, void *value, struct aftermath *aftermath)
{
    aftermath->empty = buffer_take(&ch->buffer, value, ch->value_size);
    atomic_store_explicit(&ch->count, count_of(ch) - 1, memory_order_relaxed);
}

static inline __attribute__((always_inline)) int receive_now(struct bine_chan *ch, void *value,
                                                             struct aftermath *aftermath)
{
    bool buffered = count_of(ch) > 0;
    if (buffered)
        take(ch, value, aftermath);
    struct waiter *sender = first_of(&ch->senders) ? claim_first(&ch->senders) : NULL;
    if (sender) {
        if (buffered)
            put(ch, sender->value);
        else if (value)
            value_copy(value, sender->value, ch->value_size);
        aftermath->resume = settle(sender, 0);
    }
    return buffered || sender ? 0 : is_closed(ch) ? -EPIPE : -EAGAIN;
}

static inline void finish(const struct aftermath *aftermath)
{
    if (aftermath->resume)
        wait_resume(aftermath->resume);
    if (unlikely(aftermath->empty))
        free(aftermath->empty);
}

int chan_grow(struct bine_chan *ch)
{
    struct chunk *chunk = chunk_new(ch->value_size);
    if (!chunk)
        return -ENOMEM;
    lock(ch);
    bool grown = buffer_grow(&ch->buffer, chunk);
    unlock(ch);
    if (!grown)
        free(chunk); /* somebody else was quicker */
    return 0;
}

static int try_send(struct bine_chan *ch, const void *value)
{
    struct aftermath aftermath = {0};
    if (!may_send(ch))
        return -EAGAIN;
    lock(ch);
    int result = send_now(ch, value, &aftermath);
    unlock(ch);
    finish(&aftermath);
    return result;
}

static int try_receive(struct bine_chan *ch, void *value)
{
    struct aftermath aftermath = {0};
    if (!may_receive(ch))
        return -EAGAIN;
    lock(ch);
    int result = receive_now(ch, value, &aftermath);
    unlock(ch);
    finish(&aftermath);
    return result;
}

/* --- waiting --- */

/* Of who waits in one queue: what is read to claim him lies together. */
struct one_wait {
    struct waiter waiter;
    struct wait wait;
};

static void commit_wait(void *argument)
{
    struct wait *wait = argument;
    struct bine_chan *ch = wait->on;
    wait_commit(wait);
    unlock(ch);
}

static __attribute__((noinline)) int give_up(struct bine_chan *ch, struct queue *queue,
                                             struct waiter *waiter, int error)
{
    lock(ch);
    queue_remove(queue, waiter);
    unlock(ch);
    return error;
}

/* Lock held. Waits in the queue; returns with the lock released. */
static inline __attribute__((always_inline)) int wait_in(struct bine_chan *ch, struct queue *queue,
                                                         struct waiter *waiter)
{
    append(queue, waiter);
    int error = wait_park(waiter->wait, commit_wait);
    return likely(!error) ? waiter->result : give_up(ch, queue, waiter, error);
}

/* Lock held. What was to be waited for has come on the way. */
static void turn_back(struct bine_chan *ch, struct wait *wait, const struct aftermath *aftermath)
{
    unlock(ch);
    wait_abandon(wait);
    finish(aftermath);
}

static __attribute__((noinline)) int send_waiting(struct bine_chan *ch, void *value,
                                                  bine_time deadline)
{
    struct one_wait own;
    struct aftermath aftermath = {0};
    if (unlikely(deadline != BINE_NEVER))
        deadline_check("bine_send_until", deadline);
    wait_begin(&own.wait, "channel, to send", ch, deadline);
    own.waiter = (struct waiter){.wait = &own.wait, .value = value};
    lock(ch);
    int result = send_now(ch, value, &aftermath);
    if (result == -EAGAIN)
        return wait_in(ch, &ch->senders, &own.waiter);
    turn_back(ch, &own.wait, &aftermath);
    return result;
}

static __attribute__((noinline)) int receive_waiting(struct bine_chan *ch, void *value,
                                                     bine_time deadline)
{
    struct one_wait own;
    struct aftermath aftermath = {0};
    if (unlikely(deadline != BINE_NEVER))
        deadline_check("bine_recv_until", deadline);
    wait_begin(&own.wait, "channel, to receive", ch, deadline);
    own.waiter = (struct waiter){.wait = &own.wait, .value = value};
    lock(ch);
    int result = receive_now(ch, value, &aftermath);
    if (result == -EAGAIN)
        return wait_in(ch, &ch->receivers, &own.waiter);
    turn_back(ch, &own.wait, &aftermath);
    return result;
}

int bine_chan_send_(struct bine_chan *ch, const void *value, bine_time deadline)
{
    int result;
    if (!ch)
        return -EINVAL;
    if (deadline != BINE_NOW && (result = call_begin()) != 0)
        return result;
    while (unlikely((result = try_send(ch, value)) == -ENOBUFS))
        if ((result = chan_grow(ch)) != 0)
            return result;
    if (result != -EAGAIN || deadline == BINE_NOW)
        return result;
    return send_waiting(ch, (void *)value, deadline);
}

int bine_chan_send_move_(struct bine_chan *ch, void *pointer)
{
    void **moved = pointer;
    if (!ch || !moved || ch->value_size != sizeof *moved)
        return -EINVAL;
    int error = bine_chan_send_(ch, moved, BINE_NEVER);
    if (!error)
        *moved = NULL;
    return error;
}

int bine_chan_recv_(struct bine_chan *ch, void *value, bine_time deadline)
{
    int result;
    if (!ch)
        return -EINVAL;
    if (deadline != BINE_NOW && (result = call_begin()) != 0)
        return result;
    size_t size = ch->value_size;
    result = try_receive(ch, value);
    if (result == -EAGAIN && deadline != BINE_NOW)
        result = receive_waiting(ch, value, deadline);
    if (!result)
        box_leave_channel(value, size);
    return result;
}

/* --- for select --- */

void queue_append(struct queue *queue, struct waiter *waiter)
{
    append(queue, waiter);
}

void chan_lock(struct bine_chan *ch)
{
    lock(ch);
}

void chan_unlock(struct bine_chan *ch)
{
    unlock(ch);
}

void chan_finish(const struct aftermath *aftermath)
{
    finish(aftermath);
}

bool chan_may_send(const struct bine_chan *ch)
{
    return may_send(ch);
}

bool chan_may_receive(const struct bine_chan *ch)
{
    return may_receive(ch);
}

int chan_send(struct bine_chan *ch, const void *value, struct aftermath *aftermath)
{
    return send_now(ch, value, aftermath);
}

int chan_receive(struct bine_chan *ch, void *value, struct aftermath *aftermath)
{
    return receive_now(ch, value, aftermath);
}

/* --- closing --- */

/* Lock held. Takes all waiters out and adds those that were live, claimed, to a list by next. */
static struct waiter **claim_all(struct queue *queue, struct waiter **end)
{
    struct waiter *waiter;
    while ((waiter = claim_first(queue))) {
        settle(waiter, -EPIPE);
        waiter->next = NULL;
        *end = waiter;
        end = &waiter->next;
    }
    return end;
}

void chan_on_close(struct bine_chan *ch, closing_function *closing)
{
    atomic_store_explicit(&ch->on_close, closing, memory_order_relaxed);
}

static void announce_end(struct bine_chan *ch)
{
    /* relaxed: a function, which finds by itself what belongs to the channel. */
    if (!atomic_load_explicit(&ch->on_close, memory_order_relaxed))
        return;
    closing_function *closing = atomic_exchange_explicit(&ch->on_close, NULL, memory_order_relaxed);
    if (closing)
        closing(ch);
}

int bine_chan_close_(struct bine_chan *ch)
{
    struct waiter *claimed = NULL;
    if (!ch)
        return -EINVAL;
    announce_end(ch);
    lock(ch);
    bool again = is_closed(ch);
    if (!again) {
        struct waiter **end = claim_all(&ch->receivers, &claimed);
        claim_all(&ch->senders, end);
        atomic_store_explicit(&ch->closed, true, memory_order_relaxed);
    }
    unlock(ch);
    while (claimed) {
        struct task *task = claimed->wait->task;
        claimed = claimed->next;
        wait_resume(task);
    }
    return again ? -EPIPE : 0;
}

/* --- making and freeing --- */

/* The memory of a channel with its ring; NULL where there is none, or no such number. */
static struct bine_chan *allocate(size_t ring_size)
{
    size_t size;
    if (__builtin_add_overflow(ring_size, sizeof(struct bine_chan) + 2 * CACHE_LINE, &size) ||
        size > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    /* Not aligned_alloc(), which takes five times as long. */
    void *memory = malloc(size);
    if (!memory)
        return NULL;
    uintptr_t aligned = ((uintptr_t)memory + CACHE_LINE - 1) & -(uintptr_t)CACHE_LINE;
    struct bine_chan *ch = (struct bine_chan *)aligned;
    ch->memory = memory;
    return ch;
}

static char *ring_of(struct bine_chan *ch)
{
    size_t size = (sizeof *ch + CACHE_LINE - 1) & -(size_t)CACHE_LINE;
    return (char *)ch + size;
}

struct bine_chan *bine_chan_new_(size_t value_size, size_t capacity)
{
    size_t ring_size = 0;
    if (value_size < 1 || value_size > LARGEST_VALUE) {
        errno = EINVAL;
        return NULL;
    }
    if (capacity != BINE_UNBOUNDED && __builtin_mul_overflow(value_size, capacity, &ring_size))
        ring_size = SIZE_MAX;
    struct bine_chan *ch = allocate(ring_size);
    if (!ch)
        return NULL;
    *ch = (struct bine_chan){.value_size = (uint32_t)value_size,
                             .capacity = capacity,
                             .references = 1,
                             .memory = ch->memory};
    if (capacity == BINE_UNBOUNDED)
        buffer_init_unbounded(&ch->buffer);
    else
        buffer_init_ring(&ch->buffer, ring_of(ch), ring_size);
    return ch;
}

struct bine_chan *bine_chan_ref_(struct bine_chan *ch)
{
    /* relaxed: who has a reference may make another. */
    if (ch)
        atomic_fetch_add_explicit(&ch->references, 1, memory_order_relaxed);
    return ch;
}

static void destroy(struct bine_chan *ch)
{
    announce_end(ch);
    if (first_of(&ch->senders) || first_of(&ch->receivers))
        fatal_misuse("bine_chan_unref", "the last reference is dropped while somebody waits on the "
                                        "channel");
    for (size_t left = count_of(ch); left > 0; left--) {
        box_leave_channel(ch->buffer.head, ch->value_size);
        if (ch->drop)
            ch->drop(ch->buffer.head);
        free(buffer_take(&ch->buffer, NULL, ch->value_size));
    }
    buffer_free_chunks(&ch->buffer);
    free(ch->memory);
}

void bine_chan_unref_(struct bine_chan *ch)
{
    /* release: what was done with the channel comes before it is freed; acquire: by others, too. */
    if (ch && atomic_fetch_sub_explicit(&ch->references, 1, memory_order_acq_rel) == 1)
        destroy(ch);
}

void bine_chan_on_drop_(struct bine_chan *ch, void (*drop)(void *value))
{
    if (!ch)
        return;
    lock(ch);
    ch->drop = drop;
    unlock(ch);
}

size_t bine_chan_len_(struct bine_chan *ch)
{
    return ch ? count_of(ch) : 0;
}

size_t bine_chan_cap_(struct bine_chan *ch)
{
    return ch ? ch->capacity : 0;
}
