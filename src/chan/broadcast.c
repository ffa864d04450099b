/*
 * Broadcast channel: a ring of the newest values, and subscribers that go along it.
 *
 *      first                    next
 *        v                       v
 *      [ 12 ] [ 13 ] [ 14 ] ( 15 )      values by their numbers; the place of `next` is empty
 *        2      0      1       3        how many subscribers come to that one next
 *
 * 1. first <= next <= first + capacity. The ring has a place more than that.
 * 2. A value is kept as long as some subscriber has not passed it: the count at `first` is above
 *    zero, or first == next. (But for a moment, while one who was far behind leaves.)
 * 3. Where a value has to make room, who was to receive it is counted at the next; his own number
 *    stays behind `first`, and that tells him how many he has missed.
 * 4. Values are messages: the ring has one reference to each, who is copying one has another.
 *    Copying and dropping are done without the lock.
 * 5. The channel lives as long as there is a handle or a subscriber. The last handle closes it.
 */
#include "chan/message.h"
#include "sched/fatal.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/broadcast.h>
#include <errno.h>
#include <stdlib.h>

struct place {
    struct message *message;
    size_t subscribers; /* that receive it next */
};

/* All from `first` on is protected by the line's lock. */
struct bine_broadcast {
    struct waitline line; /* of those that wait for the next value */
    struct message_kind kind;
    size_t capacity;
    _Atomic size_t handles;
    _Atomic size_t owners; /* the handles, as one, and each subscriber */
    uint64_t first, next;
    size_t subscribers;
    bool closed;
    struct place ring[]; /* capacity + 1; number n is at n % (capacity + 1) */
};

struct bine_subscriber {
    struct bine_broadcast *channel;
    uint64_t next;       /* the number to be received next; protected by the line's lock, as */
    uint64_t missed;     /* how many were lost since the last that was received */
    _Atomic int waiting; /* tasks that wait by it */
};

enum { MOST_DROPS = 64 /* under one lock */ };

static struct place *place_of(struct bine_broadcast *channel, uint64_t number)
{
    return &channel->ring[number % (channel->capacity + 1)];
}

static void lock(struct bine_broadcast *channel)
{
    waitlist_lock(&channel->line.word);
}

static void unlock(struct bine_broadcast *channel)
{
    assert(channel->first <= channel->next && channel->next - channel->first <= channel->capacity);
    waitlist_unlock(&channel->line.word, &channel->line.list);
}

/* --- locked --- */

/* Takes the oldest value out of the ring, with the ring's reference. */
static struct message *pop(struct bine_broadcast *channel)
{
    struct place *place = place_of(channel, channel->first++);
    struct message *message = place->message;
    place->message = NULL;
    return message;
}

/* Makes room for a value: returns the oldest, or NULL where there is room. */
static struct message *make_room(struct bine_broadcast *channel)
{
    if (channel->next - channel->first < channel->capacity)
        return NULL;
    struct place *place = place_of(channel, channel->first);
    place_of(channel, channel->first + 1)->subscribers += place->subscribers;
    place->subscribers = 0;
    return pop(channel);
}

/* Where the subscriber is in the ring, after it has been told what it missed. */
static struct place *find(struct bine_subscriber *subscriber)
{
    struct bine_broadcast *channel = subscriber->channel;
    if (subscriber->next < channel->first) {
        subscriber->missed += channel->first - subscriber->next;
        subscriber->next = channel->first;
    }
    return place_of(channel, subscriber->next);
}

/* Takes the next value for the subscriber, with a reference. NULL: there is none now. */
static struct message *take(struct bine_subscriber *subscriber)
{
    struct bine_broadcast *channel = subscriber->channel;
    struct place *place = find(subscriber);
    struct message *message = place->message;
    if (subscriber->next == channel->next)
        return NULL;
    subscriber->next++;
    place_of(channel, subscriber->next)->subscribers++;
    if (--place->subscribers == 0 && subscriber->next - 1 == channel->first)
        return pop(channel);
    message_ref(message);
    return message;
}

/* Takes values out that nobody is to receive any more; the rest next time, where they are many. */
static struct message *pop_unwanted(struct bine_broadcast *channel)
{
    struct message *list = NULL;
    for (int i = 0; i < MOST_DROPS; i++) {
        if (channel->first == channel->next || place_of(channel, channel->first)->subscribers)
            break;
        struct message *message = pop(channel);
        message->next = list;
        list = message;
    }
    return list;
}

/* --- not locked --- */

static void give_up_share(struct bine_broadcast *channel)
{
    /* acq_rel: what the others did comes before the end. */
    if (atomic_fetch_sub_explicit(&channel->owners, 1, memory_order_acq_rel) == 1)
        free(channel);
}

struct bine_broadcast *bine_broadcast_new_(size_t value_size, size_t capacity)
{
    struct bine_broadcast *channel = NULL;
    if (capacity == 0) {
        errno = EINVAL;
        return NULL;
    }
    if (capacity < (SIZE_MAX - sizeof *channel) / sizeof *channel->ring)
        channel = calloc(1, sizeof *channel + (capacity + 1) * sizeof *channel->ring);
    if (!channel) {
        errno = ENOMEM;
        return NULL;
    }
    channel->kind.size = value_size;
    channel->capacity = capacity;
    atomic_init(&channel->handles, 1);
    atomic_init(&channel->owners, 1);
    return channel;
}

struct bine_broadcast *bine_broadcast_ref_(struct bine_broadcast *channel)
{
    if (channel)
        atomic_fetch_add_explicit(&channel->handles, 1, memory_order_relaxed);
    return channel;
}

void bine_broadcast_unref_(struct bine_broadcast *channel)
{
    if (!channel || atomic_fetch_sub_explicit(&channel->handles, 1, memory_order_acq_rel) > 1)
        return;
    bine_broadcast_close_(channel);
    give_up_share(channel);
}

void bine_broadcast_on_copy_(struct bine_broadcast *channel, void (*copy)(void *value))
{
    if (channel)
        channel->kind.copy = copy;
}

void bine_broadcast_on_drop_(struct bine_broadcast *channel, void (*drop)(void *value))
{
    if (channel)
        channel->kind.drop = drop;
}

int bine_broadcast_send_(struct bine_broadcast *channel, const void *value)
{
    if (!channel)
        return -EINVAL;
    struct message *message = message_new(&channel->kind, value), *dropped = message;
    struct wait *claimed = NULL;
    if (!message)
        return -ENOMEM;
    lock(channel);
    if (channel->closed) {
        unlock(channel);
        message_take_back(message);
        return -EPIPE;
    }
    if (channel->subscribers > 0) {
        dropped = make_room(channel);
        place_of(channel, channel->next++)->message = message;
        claimed = waitlist_claim_all(&channel->line.list);
    }
    unlock(channel);
    waitlist_resume_all(claimed);
    if (dropped)
        message_unref(&channel->kind, dropped);
    return 0;
}

int bine_broadcast_close_(struct bine_broadcast *channel)
{
    if (!channel)
        return -EINVAL;
    lock(channel);
    bool was_closed = channel->closed;
    channel->closed = true;
    struct wait *claimed = waitlist_claim_all(&channel->line.list);
    unlock(channel);
    waitlist_resume_all(claimed);
    return was_closed ? -EPIPE : 0;
}

struct bine_subscriber *bine_broadcast_subscribe_(struct bine_broadcast *channel)
{
    struct bine_subscriber *subscriber = channel ? malloc(sizeof *subscriber) : NULL;
    if (!subscriber) {
        errno = channel ? ENOMEM : EINVAL;
        return NULL;
    }
    atomic_fetch_add_explicit(&channel->owners, 1, memory_order_relaxed);
    subscriber->channel = channel;
    subscriber->missed = 0;
    atomic_init(&subscriber->waiting, 0);
    lock(channel);
    subscriber->next = channel->next;
    place_of(channel, channel->next)->subscribers++;
    channel->subscribers++;
    unlock(channel);
    return subscriber;
}

void bine_broadcast_unsubscribe_(struct bine_subscriber *subscriber)
{
    if (!subscriber)
        return;
    struct bine_broadcast *channel = subscriber->channel;
    struct message *unwanted;
    if (atomic_load_explicit(&subscriber->waiting, memory_order_relaxed))
        fatal_misuse("bine_broadcast_unsubscribe", "somebody waits for the subscriber");
    lock(channel);
    find(subscriber)->subscribers--;
    channel->subscribers--;
    unlock(channel);
    do {
        lock(channel);
        unwanted = pop_unwanted(channel);
        unlock(channel);
        message_unref_all(&channel->kind, unwanted);
    } while (unwanted);
    free(subscriber);
    give_up_share(channel);
}

/* 0, -EPIPE, or -EAGAIN where it would have to wait. */
static int receive(struct bine_subscriber *subscriber, void *value, uint64_t *missed)
{
    struct bine_broadcast *channel = subscriber->channel;
    lock(channel);
    struct message *message = take(subscriber);
    uint64_t lost = subscriber->missed;
    bool closed = channel->closed;
    if (message)
        subscriber->missed = 0;
    unlock(channel);
    if (!message)
        return closed ? -EPIPE : -EAGAIN;
    message_deliver(&channel->kind, message, value);
    if (missed)
        *missed = lost;
    return 0;
}

/* 0 where something may have come. */
static int wait_for_news(struct bine_subscriber *subscriber, bine_time deadline)
{
    struct bine_broadcast *channel = subscriber->channel;
    struct wait wait;
    wait_begin(&wait, "broadcast", channel, deadline);
    lock(channel);
    if (subscriber->next != channel->next || channel->closed) {
        unlock(channel);
        wait_abandon(&wait);
        return 0;
    }
    waitlist_append(&channel->line.list, &wait);
    int error = wait_park(&wait, waitline_commit);
    if (error)
        waitline_leave(&channel->line, &wait);
    return error;
}

int bine_broadcast_try_recv_(struct bine_subscriber *subscriber, void *value, uint64_t *missed)
{
    return subscriber ? receive(subscriber, value, missed) : -EINVAL;
}

int bine_broadcast_recv_(struct bine_subscriber *subscriber, void *value, uint64_t *missed,
                         bine_time deadline)
{
    if (!subscriber)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    error = receive(subscriber, value, missed);
    if (error != -EAGAIN || deadline == BINE_NOW)
        return error;
    deadline_check("bine_broadcast_recv_until", deadline);
    atomic_fetch_add_explicit(&subscriber->waiting, 1, memory_order_relaxed);
    while (error == -EAGAIN) {
        error = wait_for_news(subscriber, deadline);
        if (error == 0)
            error = receive(subscriber, value, missed);
    }
    atomic_fetch_sub_explicit(&subscriber->waiting, 1, memory_order_relaxed);
    return error;
}
