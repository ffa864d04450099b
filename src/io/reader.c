/*
 * A buffered reader.
 *
 * 1. start <= end <= size. What lies between start and end has come and was not taken.
 * 2. What has come is moved to the buffer's beginning only when there is no room behind it, so a
 *    short line costs no copy.
 * 3. A search for a delimiter goes on where the last one ended, so that a line that comes byte by
 *    byte is not looked through again each time.
 */
#include <bine/reader.h>
#include <bine/io.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static size_t count_of(const bine_reader *reader)
{
    return reader->end - reader->start;
}

static void take(bine_reader *reader, size_t count)
{
    reader->start += count;
    if (reader->start == reader->end)
        reader->start = reader->end = 0;
}

int bine_reader_init(bine_reader *reader, int fd, void *buffer, size_t size)
{
    if (!reader || !buffer || size == 0)
        return -EINVAL;
    *reader = (bine_reader){fd, buffer, size, 0, 0};
    return 0;
}

/* Reads what there is, waiting for the first byte. There must be room: less than a whole buffer has
 * come. Returns how much, 0 (the end) or -errno. */
static ssize_t fill(bine_reader *reader)
{
    if (reader->end == reader->size) {
        memmove(reader->buffer, reader->buffer + reader->start, count_of(reader));
        reader->end -= reader->start;
        reader->start = 0;
    }
    ssize_t got = bine_read(reader->fd, reader->buffer + reader->end, reader->size - reader->end);
    if (got > 0)
        reader->end += (size_t)got;
    return got;
}

ssize_t bine_reader_until(bine_reader *reader, int delimiter, char **data)
{
    size_t searched = 0;
    if (!reader || !data || delimiter < 0 || delimiter > UCHAR_MAX)
        return -EINVAL;
    for (;;) {
        char *from = reader->buffer + reader->start;
        char *found = count_of(reader) > searched
                          ? memchr(from + searched, delimiter, count_of(reader) - searched)
                          : NULL;
        if (found) {
            size_t length = (size_t)(found - from) + 1;
            *data = from;
            take(reader, length);
            return (ssize_t)length;
        }
        searched = count_of(reader);
        if (searched == reader->size)
            return -EMSGSIZE;
        ssize_t got = fill(reader);
        if (got <= 0)
            return got < 0 || searched == 0 ? got : -ENODATA;
    }
}

int bine_reader_line(bine_reader *reader, char **line, size_t *length)
{
    ssize_t got = bine_reader_until(reader, '\n', line);
    if (got <= 0)
        return (int)got;
    size_t end = (size_t)got - 1;
    if (end > 0 && (*line)[end - 1] == '\r')
        end--;
    (*line)[end] = '\0';
    if (length)
        *length = end;
    return 1;
}

ssize_t bine_reader_peek(bine_reader *reader, size_t count, char **data)
{
    if (!reader || !data || count > reader->size)
        return -EINVAL;
    while (count_of(reader) < count) {
        ssize_t got = fill(reader);
        if (got < 0)
            return got;
        if (got == 0)
            break;
    }
    *data = reader->buffer + reader->start;
    return (ssize_t)count_of(reader);
}

int bine_reader_skip(bine_reader *reader, size_t count)
{
    if (!reader || count > count_of(reader))
        return -EINVAL;
    take(reader, count);
    return 0;
}

/* Takes what has come, `size` bytes at most. */
static size_t take_some(bine_reader *reader, void *to, size_t size)
{
    size_t count = count_of(reader) < size ? count_of(reader) : size;
    if (count > 0) {
        memcpy(to, reader->buffer + reader->start, count);
        take(reader, count);
    }
    return count;
}

ssize_t bine_reader_read(bine_reader *reader, void *to, size_t size)
{
    if (!reader || (!to && size > 0))
        return -EINVAL;
    if (count_of(reader) == 0 && size >= reader->size)
        return bine_read(reader->fd, to, size); /* the buffer would only be in the way */
    if (count_of(reader) == 0 && size > 0) {
        ssize_t got = fill(reader);
        if (got <= 0)
            return got;
    }
    return (ssize_t)take_some(reader, to, size);
}

ssize_t bine_reader_full(bine_reader *reader, void *to, size_t size)
{
    char *begun;
    if (!reader || (!to && size > 0))
        return -EINVAL;
    if (size <= reader->size) {
        ssize_t come = bine_reader_peek(reader, size, &begun);
        return come < 0 ? come : (ssize_t)take_some(reader, to, size);
    }
    size_t taken = take_some(reader, to, size);
    ssize_t rest = bine_read_full(reader->fd, (char *)to + taken, size - taken);
    return rest < 0 ? rest : (ssize_t)taken + rest;
}
