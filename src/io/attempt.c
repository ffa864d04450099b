/*
 * Reading and writing without waiting.
 *
 *   sockets                       recv and send with MSG_DONTWAIT, whatever the flags of the file
 * are opened by bine                read and write: they are non-blocking others preadv2 and
 * pwritev2 with RWF_NOWAIT; where the kernel has that not for this kind of file: poll first, then
 * read or write as much as cannot block
 *
 * The last line leaves a gap: another process may take what poll saw, and the call blocks its
 * thread until there is more. The monitor brings in a spare worker then.
 *
 * SIGPIPE: sockets are told not to send it. Workers block all signals, plain threads block this one
 * for the call, and what it leaves pending is taken away.
 */
#define _GNU_SOURCE
#include "io/transfer.h"
#include "base/kernel.h"
#include "sched/worker.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static ssize_t or_error(ssize_t result)
{
    return result < 0 ? -errno : result;
}

bool attempt_is_ready(int fd, short events)
{
    struct pollfd poll_fd = {fd, events, 0};
    return poll(&poll_fd, 1, 0) > 0;
}

/* --- reading --- */

static ssize_t plain_read(int fd, const struct iovec *iov, int count)
{
    return or_error(count == 1 ? read(fd, iov->iov_base, iov->iov_len) : readv(fd, iov, count));
}

static ssize_t read_foreign(struct use *use, const struct iovec *iov, int count)
{
    if (!(use_traits(use) & TRAIT_NO_NOWAIT)) {
        ssize_t got = or_error(preadv2(use->fd, iov, count, -1, RWF_NOWAIT));
        if (got != -EOPNOTSUPP && got != -ENOSYS && got != -ESPIPE)
            return got;
        use_add_trait(use, TRAIT_NO_NOWAIT);
    }
    return attempt_is_ready(use->fd, POLLIN) ? plain_read(use->fd, iov, count) : -EAGAIN;
}

ssize_t attempt_read(struct use *use, const struct transfer *transfer)
{
    unsigned traits = use_traits(use);
    const struct iovec *iov = transfer->iov;
    if (likely(traits & TRAIT_SOCKET)) {
        if (likely(transfer->count == 1))
            return kernel_recv(use->fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT);
        struct msghdr message = {.msg_iov = (struct iovec *)iov,
                                 .msg_iovlen = (size_t)transfer->count};
        return or_error(recvmsg(use->fd, &message, MSG_DONTWAIT));
    }
    if (traits & (TRAIT_OURS | TRAIT_PROMPT))
        return plain_read(use->fd, iov, transfer->count);
    return read_foreign(use, iov, transfer->count);
}

ssize_t attempt_receive(struct use *use, const struct transfer *transfer)
{
    return or_error(recvmsg(use->fd, transfer->message, transfer->flags | MSG_DONTWAIT));
}

/* --- writing --- */

static ssize_t plain_write(int fd, const struct iovec *iov, int count)
{
    return or_error(count == 1 ? write(fd, iov->iov_base, iov->iov_len) : writev(fd, iov, count));
}

/* As much as a ready pipe or terminal takes without blocking. */
static ssize_t write_little(int fd, const struct iovec *iov, int count)
{
    int i = 0;
    while (i < count - 1 && iov[i].iov_len == 0)
        i++;
    struct iovec first = iov[i];
    if (first.iov_len > PIPE_BUF)
        first.iov_len = PIPE_BUF;
    return plain_write(fd, &first, 1);
}

static ssize_t write_foreign(struct use *use, const struct iovec *iov, int count)
{
    if (!(use_traits(use) & TRAIT_NO_NOWAIT)) {
        ssize_t written = or_error(pwritev2(use->fd, iov, count, -1, RWF_NOWAIT));
        if (written != -EOPNOTSUPP && written != -ENOSYS && written != -ESPIPE)
            return written;
        use_add_trait(use, TRAIT_NO_NOWAIT);
    }
    return attempt_is_ready(use->fd, POLLOUT) ? write_little(use->fd, iov, count) : -EAGAIN;
}

static ssize_t write_to_file(struct use *use, const struct transfer *transfer)
{
    if (use_traits(use) & (TRAIT_OURS | TRAIT_PROMPT))
        return plain_write(use->fd, transfer->iov, transfer->count);
    return write_foreign(use, transfer->iov, transfer->count);
}

/* Takes a pending SIGPIPE away. It is blocked. */
static void take_sigpipe(void)
{
    const struct timespec at_once = {0, 0};
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
        ;
}

static ssize_t write_without_signal(struct use *use, const struct transfer *transfer)
{
    sigset_t pipe_only, before, pending;
    bool on_thread = !worker_self();
    if (on_thread) {
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    }
    bool was_pending = on_thread && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
    ssize_t written = write_to_file(use, transfer);
    if (written == -EPIPE && !was_pending)
        take_sigpipe();
    if (on_thread)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    return written;
}

ssize_t attempt_write(struct use *use, const struct transfer *transfer)
{
    const struct iovec *iov = transfer->iov;
    if (unlikely(!(use_traits(use) & TRAIT_SOCKET)))
        return write_without_signal(use, transfer);
    if (likely(transfer->count == 1))
        return kernel_send(use->fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)transfer->count};
    return or_error(sendmsg(use->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t attempt_send(struct use *use, const struct transfer *transfer)
{
    return or_error(
        sendmsg(use->fd, transfer->message, transfer->flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}
