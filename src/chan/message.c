#include "chan/message.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct message *message_new(const struct message_kind *kind, const void *value)
{
    if (kind->size > SIZE_MAX - sizeof(struct message))
        return NULL;
    struct message *message = malloc(sizeof *message + kind->size);
    if (!message)
        return NULL;
    atomic_init(&message->references, 1);
    memcpy(message->value, value, kind->size);
    return message;
}

void message_unref(const struct message_kind *kind, struct message *message)
{
    /* acq_rel: what others did with the value comes before its end. */
    if (atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) > 1)
        return;
    if (kind->drop)
        kind->drop(message->value);
    free(message);
}

void message_unref_all(const struct message_kind *kind, struct message *list)
{
    while (list) {
        struct message *message = list;
        list = message->next;
        message_unref(kind, message);
    }
}

void message_take_back(struct message *message)
{
    free(message);
}

void message_deliver(const struct message_kind *kind, struct message *message, void *value)
{
    if (value) {
        memcpy(value, message->value, kind->size);
        if (kind->copy)
            kind->copy(value);
    }
    message_unref(kind, message);
}
