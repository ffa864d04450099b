/*
 * The values that a channel holds: equal in size, first in, first out. A bounded buffer is one
 * ring; an unbounded one is a list of chunks that grows at its tail and gives chunks back at its
 * head. Whoever has the channel's lock may use it; it allocates and frees nothing under it.
 */
#ifndef BINE_CHAN_BUFFER_H
#define BINE_CHAN_BUFFER_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Room for values of an unbounded buffer. */
struct chunk {
    struct chunk *next; /* newer */
    char *end;          /* behind the last place */
    _Alignas(CACHE_LINE) char places[];
};

struct buffer {
    char *head;     /* the oldest value; as tail, where there is none */
    char *tail;     /* where the next one goes; NULL: an unbounded buffer needs a chunk first */
    char *head_end; /* of the ring or chunk that head is in */
    char *tail_end; /* the same for tail */
    char *ring;     /* where it begins; NULL: unbounded */
    struct chunk *first, *last; /* of an unbounded one, oldest first; NULL: none */
    struct chunk *spare;        /* an empty one kept for the next turn; NULL: none */
};

/* Copies a value. Sizes of machine words are worth their own instructions. */
static inline void value_copy(void *to, const void *from, size_t size)
{
    if (size == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, size);
}

/* A ring of `size` bytes at `places`, which stay the caller's. */
void buffer_init_ring(struct buffer *buffer, char *places, size_t size);
void buffer_init_unbounded(struct buffer *buffer);

/* A chunk for values of that size; NULL: no memory. */
struct chunk *chunk_new(size_t value_size);

/* Appends a chunk to a buffer that needs one. False, and nothing was done, if it does not. */
bool buffer_grow(struct buffer *buffer, struct chunk *chunk);

/* Frees all chunks of an empty buffer. */
void buffer_free_chunks(struct buffer *buffer);

/* Head or tail is at the end of its ring or chunk. Returns a chunk that is to be freed, or NULL. */
struct chunk *buffer_turn_head(struct buffer *buffer);
void buffer_turn_tail(struct buffer *buffer);

/* There must be room. */
static inline void buffer_put(struct buffer *buffer, const void *value, size_t size)
{
    value_copy(buffer->tail, value, size);
    buffer->tail += size;
    if (unlikely(buffer->tail == buffer->tail_end))
        buffer_turn_tail(buffer);
}

/* Takes the oldest value out; there must be one. `value` may be NULL. Returns a chunk that is to be
 * freed, or NULL. */
static inline struct chunk *buffer_take(struct buffer *buffer, void *value, size_t size)
{
    if (likely(value != NULL))
        value_copy(value, buffer->head, size);
    buffer->head += size;
    return unlikely(buffer->head == buffer->head_end) ? buffer_turn_head(buffer) : NULL;
}

#endif
