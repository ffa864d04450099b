/* Reading and writing without waiting: one system call each, whatever the descriptor is. */
#ifndef BINE_IO_TRANSFER_H
#define BINE_IO_TRANSFER_H

#include "io/descriptor.h"
#include <sys/socket.h>
#include <sys/uio.h>

/* What is to be done on a descriptor. */
struct transfer {
    ssize_t (*attempt)(struct use *use, const struct transfer *transfer); /* -EAGAIN: wait */
    const struct iovec *iov;
    int count;              /* of iov */
    int flags;              /* of the message */
    struct msghdr *message; /* NULL: iov it is */
    size_t size;            /* bytes in all */
    const char *what;       /* for the dump */
    enum side_index side;
};

/* The kernel, asked with poll(), says so now; an error or the end counts. */
bool attempt_is_ready(int fd, short events);

/* Inside. Reads or writes what can be at once: a count or -errno, -EAGAIN where it would wait. */
ssize_t attempt_read(struct use *use, const struct transfer *transfer);
ssize_t attempt_write(struct use *use, const struct transfer *transfer);
ssize_t attempt_receive(struct use *use, const struct transfer *transfer);
ssize_t attempt_send(struct use *use, const struct transfer *transfer);

#endif
