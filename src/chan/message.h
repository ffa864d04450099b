/*
 * A value on its way to several receivers: they share one message and copy the value out of it, so
 * that no lock is held meanwhile, and callbacks may do what they like.
 */
#ifndef BINE_CHAN_MESSAGE_H
#define BINE_CHAN_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct message {
    _Atomic size_t references;
    struct message *next; /* whoever has the last references */
    _Alignas(max_align_t) char value[];
};

/* What is done with values of one channel. */
struct message_kind {
    size_t size;               /* of a value, bytes */
    void (*copy)(void *value); /* makes a copy one of its own; or NULL */
    void (*drop)(void *value); /* gives up what the value owns; or NULL */
};

/* With one reference; NULL when out of memory. */
struct message *message_new(const struct message_kind *kind, const void *value);

static inline void message_ref(struct message *message)
{
    /* relaxed: who adds one has one, or holds the lock of the channel that has. */
    atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
}

/* The last one drops the value. */
void message_unref(const struct message_kind *kind, struct message *message);
void message_unref_all(const struct message_kind *kind, struct message *list);

/* Frees one that nobody else has seen. The value goes on being the caller's. */
void message_take_back(struct message *message);

/* Copies the value, unless `value` is NULL, and gives up the caller's reference. */
void message_deliver(const struct message_kind *kind, struct message *message, void *value);

#endif
