/* Reading text and records from a descriptor through a buffer, which is the caller's memory. What
 * the calls return a pointer to lies in there, and is overwritten by the next call on the reader.
 *
 * The calls that wait fail as bine_read does: -ECANCELED, -ETIMEDOUT, -EBADF (closed), -ECONNRESET
 * and so on. One that fails has taken nothing out of the reader: what has come stays there for the
 * next call. A reader is used by one task or thread at a time, and nobody else reads its
 * descriptor meanwhile. */
#ifndef BINE_READER_H
#define BINE_READER_H

#include <sys/types.h>

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The fields are bine's own. It owns nothing: when it is no longer used there is nothing to do. */
typedef struct bine_reader {
    int fd;
    char *buffer;
    size_t size;  /* of the buffer */
    size_t start; /* what has come and was not taken: buffer[start] up to buffer[end] */
    size_t end;
} bine_reader;

/* Starts reading fd. `size`: the longest line, or record to look at, its end included; at least 1.
 * Does not wait. 0, -EINVAL. */
int bine_reader_init(bine_reader *reader, int fd, void *buffer, size_t size);

/* Takes what comes up to the next `delimiter` (a byte, 0 to 255), waiting for it. `*data` points at
 * it, delimiter included. Returns its length; 0: the stream has ended, and nothing was left;
 * -EMSGSIZE: no delimiter in a whole buffer; -ENODATA: the stream has ended before it. After the
 * last two bine_reader_read gives what there is; bine_reader_skip passes over it. -EINVAL: a
 * delimiter out of range, or data is NULL. */
ssize_t bine_reader_until(bine_reader *reader, int delimiter, char **data);

/* Takes a line. `*line` points at it, with a zero byte in place of its end, "\n" or "\r\n", and
 * `*length`, unless that is NULL, is how long it is without that. Returns 1; 0: the stream has ended,
 * and nothing was left; -EMSGSIZE, -ENODATA (the last line has no end), -EINVAL as above. */
int bine_reader_line(bine_reader *reader, char **line, size_t *length);

/* Waits until `count` bytes have come, and takes none. `*data` points at them. Returns how many there
 * are, at least `count`; or less where the stream has ended first (0: nothing is left). -EINVAL: more
 * than the buffer holds. With count 0 it does not wait and says what has come. */
ssize_t bine_reader_peek(bine_reader *reader, size_t count, char **data);

/* Takes bytes that have come, seen by bine_reader_peek, without looking at them. Does not wait. 0;
 * -EINVAL: so many have not come. */
int bine_reader_skip(bine_reader *reader, size_t count);

/* Takes some bytes, waiting for the first, as bine_read does. Returns how many; 0: the end. */
ssize_t bine_reader_read(bine_reader *reader, void *to, size_t size);

/* Takes exactly `size` bytes. Returns `size`, or less where the stream has ended first (0: nothing
 * came). Unlike the others it may be longer than the buffer, and bytes that have come before it
 * fails are lost then; where it fits into the buffer it takes all or, on failure, nothing. */
ssize_t bine_reader_full(bine_reader *reader, void *to, size_t size);

#ifdef __cplusplus
}
#endif

#endif
