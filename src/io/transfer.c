/*
 * Reading and writing: try, and wait where that was in vain.
 *
 * A descriptor that is not known to be ready is not tried: see side.c. What moved before a call is
 * ended by a deadline, a cancellation or an error is never lost: the call returns the count, and
 * the next one says why.
 */
#define _GNU_SOURCE
#include "io/transfer.h"
#include "io/file.h"
#include "sched/call.h"
#include <bine/io.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>

/* What the result of a try says of the descriptor. */
static inline enum outcome outcome_of(const struct transfer *transfer, unsigned traits,
                                      ssize_t result)
{
    if (result == -EAGAIN)
        return OUTCOME_NONE;
    /* 0 is the end, which stays. */
    if ((traits & TRAIT_TCP) && result > 0 && (size_t)result < transfer->size &&
        transfer->side == SIDE_IN && !(transfer->flags & MSG_PEEK))
        return OUTCOME_SHORT;
    return OUTCOME_MORE;
}

/* One try. -EBADF: it was closed meanwhile. */
static inline ssize_t try_once(struct use *use, const struct transfer *transfer)
{
    ssize_t result;
    if (unlikely(!use_enter(use)))
        return -EBADF;
    do
        result = transfer->attempt(use, transfer);
    while (unlikely(result == -EINTR));
    if (unlikely(result == -ENOTSOCK) && use_identify_again(use) == 0)
        result = transfer->attempt(use, transfer);
    use_leave(use);
    side_tried(use, transfer->side, outcome_of(transfer, use_traits(use), result));
    return result;
}

/* Inlined, so that reading and writing, of which there are many, each get their own. */
static inline __attribute__((always_inline)) ssize_t run_transfer(int fd,
                                                                  const struct transfer *transfer)
{
    struct use use;
    int error = use_begin(&use, fd);
    if (unlikely(error) || unlikely((error = call_begin())))
        return error;
    if (unlikely(use_traits(&use) & TRAIT_FILE) && !transfer->message)
        return file_transfer(&use, transfer);
    for (;;) {
        if (side_may_try(&use, transfer->side)) {
            ssize_t result = try_once(&use, transfer);
            if (likely(result != -EAGAIN) || (transfer->flags & (MSG_DONTWAIT | MSG_ERRQUEUE)))
                return result;
        } else if (unlikely(transfer->flags & (MSG_DONTWAIT | MSG_ERRQUEUE))) {
            return try_once(&use, transfer);
        }
        if ((error = side_wait(&use, transfer->side, transfer->what)))
            return error;
    }
}

/* -EINVAL, or the number of bytes. */
static ssize_t size_of(const struct iovec *iov, int count)
{
    size_t size = 0;
    if (count < 0 || count > IOV_MAX || (count > 0 && !iov))
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len > SSIZE_MAX - size)
            return -EINVAL;
        size += iov[i].iov_len;
    }
    return (ssize_t)size;
}

/* Checks what a call that moves nothing is to check. */
static ssize_t move_nothing(int fd)
{
    struct use use;
    int error = use_begin(&use, fd);
    return error ? error : run_check(run_self());
}

static ssize_t read_into(int fd, const struct iovec *iov, int count, ssize_t size)
{
    if (unlikely(size <= 0))
        return size < 0 ? -EINVAL : move_nothing(fd);
    struct transfer transfer = {attempt_read, iov, count, 0, NULL, (size_t)size, "read", SIDE_IN};
    return run_transfer(fd, &transfer);
}

ssize_t bine_readv(int fd, const struct iovec *iov, int count)
{
    return read_into(fd, iov, count, size_of(iov, count));
}

ssize_t bine_read(int fd, void *buffer, size_t size)
{
    struct iovec iov = {buffer, size};
    return read_into(fd, &iov, 1, (ssize_t)size); /* below 0 where it is too large */
}

static ssize_t write_from(int fd, const struct iovec *iov, int count, ssize_t size)
{
    if (unlikely(size < 0))
        return -EINVAL;
    struct transfer transfer = {attempt_write, iov,          count,   0,
                                NULL,          (size_t)size, "write", SIDE_OUT};
    return run_transfer(fd, &transfer);
}

ssize_t bine_writev(int fd, const struct iovec *iov, int count)
{
    return count == 0 ? move_nothing(fd) : write_from(fd, iov, count, size_of(iov, count));
}

ssize_t bine_write(int fd, const void *buffer, size_t size)
{
    struct iovec iov = {(void *)buffer, size};
    return write_from(fd, &iov, 1, (ssize_t)size);
}

static ssize_t receive(int fd, struct msghdr *message, size_t size, int flags)
{
    struct transfer transfer = {attempt_receive, NULL, 0,      flags,
                                message,         size, "read", SIDE_IN};
    return run_transfer(fd, &transfer);
}

/* MSG_WAITALL is for streams. Control data belongs to the bytes it came with, so none is joined. */
static bool waits_for_all(int fd, const struct msghdr *message, int flags)
{
    int type = 0;
    socklen_t size = sizeof type;
    return (flags & MSG_WAITALL) && !(flags & (MSG_DONTWAIT | MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)) &&
           message->msg_controllen == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Waits until more has come. False where no more will, for the end, an error, or what ends waits: that
 * is left to the next call, so the socket is not asked for data then, which would take an error away. */
static bool more_has_come(int fd)
{
    for (;;) {
        int count = 0;
        if (bine_poll(fd, POLLIN) < 0 || ioctl(fd, FIONREAD, &count) != 0)
            return false;
        if (count > 0)
            return true;
        if (attempt_is_ready(fd, POLLIN))
            return false;
    }
}

/* The kernel, asked not to wait, does not wait for all of it: we do. Returns how much there is. */
static size_t receive_rest(int fd, const struct msghdr *message, size_t got, int flags)
{
    size_t before = 0; /* bytes of the parts that are full */
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *whole = &message->msg_iov[i];
        while (got < before + whole->iov_len) {
            size_t filled = got - before;
            struct iovec part = {(char *)whole->iov_base + filled, whole->iov_len - filled};
            struct msghdr rest = {.msg_iov = &part, .msg_iovlen = 1};
            if (!more_has_come(fd))
                return got;
            ssize_t result = receive(fd, &rest, part.iov_len, flags | MSG_DONTWAIT);
            if (result <= 0 && result != -EAGAIN)
                return got;
            got += result > 0 ? (size_t)result : 0; /* none: another reader was first */
        }
        before += whole->iov_len;
    }
    return got;
}

ssize_t bine_recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t size = message ? size_of(message->msg_iov, (int)message->msg_iovlen) : -EINVAL;
    if (unlikely(size < 0))
        return size;
    bool all = unlikely(flags & MSG_WAITALL) && waits_for_all(fd, message, flags);
    ssize_t got = receive(fd, message, (size_t)size, flags);
    return all && got > 0 && got < size ? (ssize_t)receive_rest(fd, message, (size_t)got, flags)
                                        : got;
}

ssize_t bine_sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t size = message ? size_of(message->msg_iov, (int)message->msg_iovlen) : -EINVAL;
    if (unlikely(size < 0))
        return size;
    struct transfer transfer = {attempt_send, NULL,    0,       flags, (struct msghdr *)message,
                                (size_t)size, "write", SIDE_OUT};
    return run_transfer(fd, &transfer);
}

ssize_t bine_read_full(int fd, void *buffer, size_t size)
{
    size_t got = 0;
    do {
        ssize_t result = bine_read(fd, (char *)buffer + got, size - got);
        if (result < 0)
            return result;
        if (result == 0)
            break;
        got += (size_t)result;
    } while (got < size);
    return (ssize_t)got;
}

int bine_write_full(int fd, const void *buffer, size_t size)
{
    size_t written = 0;
    do {
        ssize_t result = bine_write(fd, (const char *)buffer + written, size - written);
        if (result < 0)
            return (int)result;
        written += (size_t)result;
    } while (written < size);
    return 0;
}

int bine_close(int fd)
{
    return descriptor_close(fd);
}
