/*
 * Watch channel: one message, the newest value, and its number.
 *
 * 1. Only who has seen the newest value waits, so each send has to wake all that do.
 * 2. Who copies the value has a reference to its message: copying and dropping are done without the
 *    lock.
 */
#include "chan/message.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/watch.h>
#include <errno.h>
#include <stdlib.h>

struct bine_watch {
    struct waitline line; /* of those that wait for the next value */
    struct message_kind kind;
    _Atomic size_t references;
    /* Protected by the line's lock: */
    struct message *newest;
    uint64_t version; /* its number; the first one's is 1 */
    bool closed;
};

static void lock(struct bine_watch *watch)
{
    waitlist_lock(&watch->line.word);
}

static void unlock(struct bine_watch *watch)
{
    waitlist_unlock(&watch->line.word, &watch->line.list);
}

struct bine_watch *bine_watch_new_(size_t value_size, const void *initial)
{
    struct bine_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        goto no_memory;
    watch->kind.size = value_size;
    watch->newest = message_new(&watch->kind, initial);
    if (!watch->newest)
        goto free_watch;
    watch->version = 1;
    atomic_init(&watch->references, 1);
    return watch;

free_watch:
    free(watch);
no_memory:
    errno = ENOMEM;
    return NULL;
}

struct bine_watch *bine_watch_ref_(struct bine_watch *watch)
{
    if (watch)
        atomic_fetch_add_explicit(&watch->references, 1, memory_order_relaxed);
    return watch;
}

void bine_watch_unref_(struct bine_watch *watch)
{
    /* acq_rel: what the others did comes before the end. */
    if (!watch || atomic_fetch_sub_explicit(&watch->references, 1, memory_order_acq_rel) > 1)
        return;
    message_unref(&watch->kind, watch->newest);
    free(watch);
}

void bine_watch_on_copy_(struct bine_watch *watch, void (*copy)(void *value))
{
    if (watch)
        watch->kind.copy = copy;
}

void bine_watch_on_drop_(struct bine_watch *watch, void (*drop)(void *value))
{
    if (watch)
        watch->kind.drop = drop;
}

int bine_watch_send_(struct bine_watch *watch, const void *value)
{
    if (!watch)
        return -EINVAL;
    struct message *message = message_new(&watch->kind, value);
    if (!message)
        return -ENOMEM;
    lock(watch);
    if (watch->closed) {
        unlock(watch);
        message_take_back(message);
        return -EPIPE;
    }
    struct message *replaced = watch->newest;
    watch->newest = message;
    watch->version++;
    struct wait *claimed = waitlist_claim_all(&watch->line.list);
    unlock(watch);
    waitlist_resume_all(claimed);
    message_unref(&watch->kind, replaced);
    return 0;
}

int bine_watch_close_(struct bine_watch *watch)
{
    if (!watch)
        return -EINVAL;
    lock(watch);
    bool was_closed = watch->closed;
    watch->closed = true;
    struct wait *claimed = waitlist_claim_all(&watch->line.list);
    unlock(watch);
    waitlist_resume_all(claimed);
    return was_closed ? -EPIPE : 0;
}

int bine_watch_get_(struct bine_watch *watch, void *value)
{
    if (!watch)
        return -EINVAL;
    lock(watch);
    struct message *message = watch->newest;
    message_ref(message);
    unlock(watch);
    message_deliver(&watch->kind, message, value);
    return 0;
}

uint64_t bine_watch_version_(struct bine_watch *watch)
{
    if (!watch)
        return 0;
    lock(watch);
    uint64_t version = watch->version;
    unlock(watch);
    return version;
}

/* 0, -EPIPE, or -EAGAIN where it would have to wait. */
static int receive(struct bine_watch *watch, void *value, uint64_t *seen)
{
    lock(watch);
    uint64_t version = watch->version;
    bool closed = watch->closed;
    struct message *message = version == *seen ? NULL : watch->newest;
    if (message)
        message_ref(message);
    unlock(watch);
    if (!message)
        return closed ? -EPIPE : -EAGAIN;
    message_deliver(&watch->kind, message, value);
    *seen = version;
    return 0;
}

/* 0 where the value may have changed. */
static int wait_for_change(struct bine_watch *watch, uint64_t seen, bine_time deadline)
{
    struct wait wait;
    wait_begin(&wait, "watch", watch, deadline);
    lock(watch);
    if (watch->version != seen || watch->closed) {
        unlock(watch);
        wait_abandon(&wait);
        return 0;
    }
    waitlist_append(&watch->line.list, &wait);
    int error = wait_park(&wait, waitline_commit);
    if (error)
        waitline_leave(&watch->line, &wait);
    return error;
}

int bine_watch_try_wait_(struct bine_watch *watch, void *value, uint64_t *seen)
{
    return watch && seen ? receive(watch, value, seen) : -EINVAL;
}

int bine_watch_wait_(struct bine_watch *watch, void *value, uint64_t *seen, bine_time deadline)
{
    if (!watch || !seen)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    error = receive(watch, value, seen);
    if (error != -EAGAIN || deadline == BINE_NOW)
        return error;
    deadline_check("bine_watch_wait_until", deadline);
    while (error == -EAGAIN) {
        error = wait_for_change(watch, *seen, deadline);
        if (error == 0)
            error = receive(watch, value, seen);
    }
    return error;
}
