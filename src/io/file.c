/*
 * Files.
 *
 * What the page cache can answer is read at once, by preadv2 with RWF_NOWAIT; the rest, and what
 * that is not for, goes to a helper thread, whole, where the task waits until it is done: the call
 * works on the task's memory.
 */
#define _GNU_SOURCE
#include "io/file.h"
#include "io/helper.h"
#include "sched/worker.h"
#include <bine/io.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CURRENT_POSITION = -1 };

enum file_call { CALL_READ, CALL_WRITE, CALL_SYNC };

/* A call on a file, for a helper. */
struct file_job {
    struct job job;
    enum file_call call;
    int fd;
    const struct iovec *iov;
    int count;
    off_t offset; /* or CURRENT_POSITION */
    ssize_t result;
};

static ssize_t or_error(ssize_t result)
{
    return result < 0 ? -errno : result;
}

static ssize_t call_file(enum file_call call, int fd, const struct iovec *iov, int count,
                         off_t offset, int flags)
{
    ssize_t result;
    do
        result = call == CALL_SYNC   ? fsync(fd)
                 : call == CALL_READ ? preadv2(fd, iov, count, offset, flags)
                                     : pwritev2(fd, iov, count, offset, flags);
    while (result < 0 && errno == EINTR);
    return or_error(result);
}

static void run_job(struct job *base)
{
    struct file_job *job = (struct file_job *)base;
    job->result = call_file(job->call, job->fd, job->iov, job->count, job->offset, 0);
}

static ssize_t by_helper(enum file_call call, int fd, const struct iovec *iov, int count,
                         off_t offset)
{
    static const char *const what[] = {"file read", "file write", "file sync"};
    struct file_job job = {{.run = run_job}, call, fd, iov, count, offset, 0};
    helper_run(&job.job, what[call]);
    return job.result;
}

static unsigned trait_of(enum file_call call)
{
    return call == CALL_READ ? TRAIT_NO_NOWAIT : TRAIT_NO_NOWRITE;
}

/* One buffer, whole, in as many calls as it takes. */
static ssize_t move_buffer(struct use *use, enum file_call call, char *buffer, size_t size,
                           off_t offset)
{
    size_t moved = 0;
    bool no_nowait = use_traits(use) & trait_of(call);
    do {
        struct iovec rest = {buffer + moved, size - moved};
        off_t at = offset == CURRENT_POSITION ? offset : offset + (off_t)moved;
        ssize_t result = no_nowait ? -EAGAIN : call_file(call, use->fd, &rest, 1, at, RWF_NOWAIT);
        if (result == -EOPNOTSUPP || result == -ENOSYS) {
            use_add_trait(use, trait_of(call));
            result = -EAGAIN;
        }
        bool helped = result == -EAGAIN;
        if (helped)
            result = by_helper(call, use->fd, &rest, 1, at);
        if (result < 0)
            return moved ? (ssize_t)moved : result;
        moved += (size_t)result;
        if (helped || result == 0)
            break; /* a call that may wait moves less only at the end, or for a reason */
    } while (moved < size);
    return (ssize_t)moved;
}

/* Inside. Several buffers are one call, so that nobody else's data comes in between. */
static ssize_t move_inside(struct use *use, enum file_call call, const struct iovec *iov, int count,
                           off_t offset)
{
    if (count == 1)
        return move_buffer(use, call, iov->iov_base, iov->iov_len, offset);
    return by_helper(call, use->fd, iov, count, offset);
}

static ssize_t move(struct use *use, enum file_call call, const struct iovec *iov, int count,
                    off_t offset)
{
    if (!use_enter(use))
        return -EBADF;
    ssize_t result = worker_self() ? move_inside(use, call, iov, count, offset)
                                   : call_file(call, use->fd, iov, count, offset, 0);
    use_leave(use);
    return result;
}

ssize_t file_transfer(struct use *use, const struct transfer *transfer)
{
    enum file_call call = transfer->side == SIDE_IN ? CALL_READ : CALL_WRITE;
    return move(use, call, transfer->iov, transfer->count, CURRENT_POSITION);
}

static ssize_t move_at(int fd, enum file_call call, const struct iovec *iov, off_t offset)
{
    struct use use;
    if (offset < 0)
        return -EINVAL;
    int error = use_begin(&use, fd);
    if (error)
        return error;
    worker_heed_budget_here();
    if ((error = run_check(run_self())))
        return error;
    return move(&use, call, iov, 1, offset);
}

ssize_t bine_pread(int fd, void *buffer, size_t size, off_t offset)
{
    struct iovec iov = {buffer, size};
    return move_at(fd, CALL_READ, &iov, offset);
}

ssize_t bine_pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
    struct iovec iov = {(void *)buffer, size};
    return move_at(fd, CALL_WRITE, &iov, offset);
}

int bine_fsync(int fd)
{
    struct use use;
    int error = use_begin(&use, fd);
    worker_heed_budget_here();
    if (error || (error = run_check(run_self())))
        return error;
    if (!use_enter(&use))
        return -EBADF;
    error = (int)by_helper(CALL_SYNC, fd, NULL, 0, 0);
    use_leave(&use);
    return error;
}

/* --- opening --- */

/* It goes on where its waiter has left, so it has memory of its own. */
struct open_job {
    struct job job;
    int flags;
    mode_t mode;
    int fd; /* or -errno */
    char path[];
};

/* FIFOs and devices are opened as the caller asked, waiting for the other side if need be, and made
 * non-blocking after that. */
static void run_open(struct job *base)
{
    struct open_job *job = (struct open_job *)base;
    do
        job->fd = open(job->path, job->flags | O_CLOEXEC, job->mode);
    while (job->fd < 0 && errno == EINTR);
    if (job->fd < 0)
        job->fd = -errno;
}

static void discard_open(struct job *base)
{
    struct open_job *job = (struct open_job *)base;
    if (job->fd >= 0)
        close(job->fd);
    free(job);
}

static int open_by_helper(const char *path, int flags, mode_t mode)
{
    size_t size = strlen(path) + 1;
    struct open_job *job = malloc(sizeof *job + size);
    if (!job)
        return -ENOMEM;
    job->job = (struct job){.run = run_open, .discard = discard_open};
    job->flags = flags;
    job->mode = mode;
    job->fd = -EBADF;
    memcpy(job->path, path, size);
    int error = helper_run_detached(&job->job, "open");
    if (error)
        return error;
    int fd = job->fd;
    free(job);
    return fd;
}

static int openat2_cached(const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_CACHED};
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static bool is_file_or_directory(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

/* Opens what the kernel knows without asking a disk; -EAGAIN where it does not. Other kinds may
 * wait in open(), and to try that is seen by who has the other end: so they are looked at first. */
static int open_cached(const char *path, int flags)
{
    if (flags & (O_CREAT | O_TRUNC | O_PATH))
        return -EAGAIN;
    int place = openat2_cached(path, O_PATH);
    if (place < 0)
        return -EAGAIN; /* whatever it is, the usual way says it best */
    int fd = is_file_or_directory(place) ? openat2_cached(path, flags | O_NONBLOCK) : -1;
    close(place);
    return fd < 0 ? -EAGAIN : fd;
}

static int take_over(int fd)
{
    struct stat status;
    unsigned traits = TRAIT_FILE;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) &&
        !S_ISBLK(status.st_mode))
        traits = 0;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    int error = descriptor_adopt(fd, traits);
    if (!error)
        return fd;
    close(fd);
    return error;
}

int bine_open(const char *path, int flags, mode_t mode)
{
    if (!path)
        return -EINVAL;
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    int fd = open_cached(path, flags);
    if (fd == -EAGAIN)
        fd = open_by_helper(path, flags, mode);
    return fd < 0 ? fd : take_over(fd);
}
