/*
 * Buffers. Of an unbounded one:
 *
 * 1. The values lie in the chunks from first to last, from head in the first to tail in the last.
 * 2. tail is NULL where the last chunk is full, or there is none yet: before the next value comes
 *    somebody has to bring a chunk.
 * 3. A chunk whose last value is taken is empty. It starts again where it was the only one, becomes
 *    the spare where there is none, and else goes back to the allocator: a drained buffer keeps at
 *    most two.
 */
#include "chan/buffer.h"
#include <assert.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 4096 - CACHE_LINE /* bytes of values, for those that are not larger */ };

void buffer_init_ring(struct buffer *buffer, char *places, size_t size)
{
    *buffer =
        (struct buffer){.head = places, .tail = places, .ring = places, .head_end = places + size};
    buffer->tail_end = buffer->head_end;
}

void buffer_init_unbounded(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

struct chunk *chunk_new(size_t value_size)
{
    size_t values = value_size < CHUNK_SIZE ? CHUNK_SIZE / value_size : 1;
    size_t size = sizeof(struct chunk) + values * value_size;
    struct chunk *chunk = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) & -(size_t)CACHE_LINE);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->end = chunk->places + values * value_size;
    return chunk;
}

static void append(struct buffer *buffer, struct chunk *chunk)
{
    chunk->next = NULL;
    if (buffer->last) {
        buffer->last->next = chunk;
    } else {
        buffer->first = chunk;
        buffer->head = chunk->places;
        buffer->head_end = chunk->end;
    }
    buffer->last = chunk;
    buffer->tail = chunk->places;
    buffer->tail_end = chunk->end;
}

bool buffer_grow(struct buffer *buffer, struct chunk *chunk)
{
    assert(!buffer->ring);
    if (buffer->tail)
        return false;
    append(buffer, chunk);
    return true;
}

void buffer_free_chunks(struct buffer *buffer)
{
    while (buffer->first) {
        struct chunk *chunk = buffer->first;
        buffer->first = chunk->next;
        free(chunk);
    }
    free(buffer->spare);
}

void buffer_turn_tail(struct buffer *buffer)
{
    struct chunk *spare = buffer->spare;
    buffer->tail = buffer->ring; /* NULL: unbounded */
    if (!spare)
        return;
    buffer->spare = NULL;
    append(buffer, spare);
}

struct chunk *buffer_turn_head(struct buffer *buffer)
{
    struct chunk *empty = buffer->first;
    if (!empty) {
        buffer->head = buffer->ring;
        return NULL;
    }
    buffer->first = empty->next;
    if (!buffer->first) {
        buffer->last = NULL;
        append(buffer, empty);
        return NULL;
    }
    buffer->head = buffer->first->places;
    buffer->head_end = buffer->first->end;
    if (buffer->spare)
        return empty;
    buffer->spare = empty;
    return NULL;
}
