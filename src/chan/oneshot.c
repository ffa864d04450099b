/*
 * One-shot channel: one place for one value, and two ends that point at it.
 *
 *               send               recv, or the receiver is dropped: then the value is, too
 *      EMPTY ---------> SENT -------------------------------------------> TAKEN
 *        |                    the sender is dropped
 *        `--------------------------------------------------------------> TAKEN
 *
 * 1. The state goes on with the line's lock held, and wakes all that wait. The value is the
 *    sender's before SENT and the receiver's that has taken it after: it is copied without the
 * lock.
 * 2. Who sends first takes `sending`, so nobody else writes the value.
 * 3. It lives as long as one of its ends.
 */
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/oneshot.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum oneshot_state {
    ONESHOT_EMPTY, /* nothing was sent */
    ONESHOT_SENT,  /* the value is there */
    ONESHOT_TAKEN, /* no value will come (any more) */
};

struct oneshot {
    struct waitline line; /* of those that wait for the value */
    size_t size;          /* of the value, bytes */
    void (*drop)(void *value);
    _Atomic int ends;
    _Atomic bool sending;
    enum oneshot_state state; /* protected by the line's lock */
    _Alignas(max_align_t) char value[];
};

static struct oneshot *of_sender(struct bine_oneshot_sender *sender)
{
    return (struct oneshot *)sender;
}

static struct oneshot *of_receiver(struct bine_oneshot_receiver *receiver)
{
    return (struct oneshot *)receiver;
}

/* Moves on from a state; false where it is another one. */
static bool move_on(struct oneshot *oneshot, enum oneshot_state from, enum oneshot_state to)
{
    struct wait *claimed = NULL;
    waitlist_lock(&oneshot->line.word);
    bool moves = oneshot->state == from;
    if (moves) {
        oneshot->state = to;
        claimed = waitlist_claim_all(&oneshot->line.list);
    }
    waitlist_unlock(&oneshot->line.word, &oneshot->line.list);
    waitlist_resume_all(claimed);
    return moves;
}

static void drop_value(struct oneshot *oneshot)
{
    if (oneshot->drop)
        oneshot->drop(oneshot->value);
}

static void drop_end(struct oneshot *oneshot)
{
    /* acq_rel: what the other end did comes before the end of both. */
    if (atomic_fetch_sub_explicit(&oneshot->ends, 1, memory_order_acq_rel) == 1)
        free(oneshot);
}

int bine_oneshot_new_(size_t value_size, void *sender, void *receiver)
{
    struct oneshot *oneshot = NULL;
    if (value_size < SIZE_MAX - sizeof *oneshot)
        oneshot = malloc(sizeof *oneshot + value_size);
    if (!oneshot)
        return -ENOMEM;
    *oneshot = (struct oneshot){.size = value_size};
    atomic_init(&oneshot->ends, 2);
    memcpy(sender, &oneshot, sizeof oneshot);
    memcpy(receiver, &oneshot, sizeof oneshot);
    return 0;
}

void bine_oneshot_drop_sender_(struct bine_oneshot_sender *sender)
{
    if (!sender)
        return;
    move_on(of_sender(sender), ONESHOT_EMPTY, ONESHOT_TAKEN);
    drop_end(of_sender(sender));
}

void bine_oneshot_drop_receiver_(struct bine_oneshot_receiver *receiver)
{
    struct oneshot *oneshot = of_receiver(receiver);
    if (!oneshot)
        return;
    if (!move_on(oneshot, ONESHOT_EMPTY, ONESHOT_TAKEN) &&
        move_on(oneshot, ONESHOT_SENT, ONESHOT_TAKEN))
        drop_value(oneshot);
    drop_end(oneshot);
}

void bine_oneshot_on_drop_(struct bine_oneshot_sender *sender, void (*drop)(void *value))
{
    if (sender)
        of_sender(sender)->drop = drop;
}

int bine_oneshot_send_(struct bine_oneshot_sender *sender, const void *value)
{
    struct oneshot *oneshot = of_sender(sender);
    if (!oneshot)
        return -EINVAL;
    if (atomic_exchange_explicit(&oneshot->sending, true, memory_order_relaxed))
        return -EPIPE;
    memcpy(oneshot->value, value, oneshot->size);
    return move_on(oneshot, ONESHOT_EMPTY, ONESHOT_SENT) ? 0 : -EPIPE;
}

/* 0, -EPIPE, or -EAGAIN where it would have to wait. */
static int receive(struct oneshot *oneshot, void *value)
{
    if (move_on(oneshot, ONESHOT_SENT, ONESHOT_TAKEN)) {
        if (value)
            memcpy(value, oneshot->value, oneshot->size);
        else
            drop_value(oneshot);
        return 0;
    }
    waitlist_lock(&oneshot->line.word);
    enum oneshot_state state = oneshot->state;
    waitlist_unlock(&oneshot->line.word, &oneshot->line.list);
    return state == ONESHOT_TAKEN ? -EPIPE : -EAGAIN;
}

/* 0 where the state may be another one. */
static int wait_for_send(struct oneshot *oneshot, bine_time deadline)
{
    struct wait wait;
    wait_begin(&wait, "one-shot", oneshot, deadline);
    waitlist_lock(&oneshot->line.word);
    if (oneshot->state != ONESHOT_EMPTY) {
        waitlist_unlock(&oneshot->line.word, &oneshot->line.list);
        wait_abandon(&wait);
        return 0;
    }
    waitlist_append(&oneshot->line.list, &wait);
    int error = wait_park(&wait, waitline_commit);
    if (error)
        waitline_leave(&oneshot->line, &wait);
    return error;
}

int bine_oneshot_try_recv_(struct bine_oneshot_receiver *receiver, void *value)
{
    return receiver ? receive(of_receiver(receiver), value) : -EINVAL;
}

int bine_oneshot_recv_(struct bine_oneshot_receiver *receiver, void *value, bine_time deadline)
{
    struct oneshot *oneshot = of_receiver(receiver);
    if (!oneshot)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    error = receive(oneshot, value);
    if (error != -EAGAIN || deadline == BINE_NOW)
        return error;
    deadline_check("bine_oneshot_recv_until", deadline);
    while (error == -EAGAIN) {
        error = wait_for_send(oneshot, deadline);
        if (error == 0)
            error = receive(oneshot, value);
    }
    return error;
}
