/*
 * One download: tries, with growing pauses between them, until the file is there, or the server has
 * said no, or the time is over.
 *
 * What comes is written to PATH.part, which gets its name when it is whole. A try that fails begins
 * anew, and what is not whole is removed.
 */
#include "fetch.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 16384, MOST_REDIRECTIONS = 5, MOST_DOUBLINGS = 6 };

/* A file as it grows. */
struct target {
    int fd;
    off_t size;
    struct counts *counts;
};

static int append(void *argument, const char *data, size_t size)
{
    struct target *target = argument;
    while (size > 0) {
        ssize_t written = bine_pwrite(target->fd, data, size, target->size);
        if (written < 0)
            return (int)written;
        target->size += written;
        atomic_fetch_add(&target->counts->bytes, written);
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* --- one exchange with a server --- */

static int ask(int fd, const struct url *url)
{
    char request[URL_SIZE + HOST_SIZE + 128];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bine-fetch\r\nAccept: */*\r\n"
                        "Connection: close\r\n\r\n",
                        url->path, url->host);
    return bine_write_full(fd, request, (size_t)size);
}

static int read_response(int fd, struct response *response, bine_time silence)
{
    char buffer[BUFFER_SIZE];
    int error = 0;
    while (!error && !response_is_complete(response)) {
        ssize_t size = 0;
        BINE_WITHIN (silence)
            size = bine_read(fd, buffer, sizeof buffer);
        error = size < 0 ? (int)size : response_feed(response, buffer, (size_t)size);
    }
    return error;
}

static int exchange(const struct url *url, struct response *response, bine_time silence)
{
    int fd = 0, error = 0;
    BINE_WITHIN (silence)
        fd = bine_dial(url->address);
    if (fd < 0)
        return fd;
    BINE_WITHIN (silence)
        error = ask(fd, url);
    if (!error)
        error = read_response(fd, response, silence);
    bine_close(fd);
    return error;
}

static bool is_redirection(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* --- one try --- */

/* Gets one address into the file; *redirected: it only said where to look. */
static int get(struct job *job, struct url *url, struct target *target, bine_time silence,
               bool *redirected)
{
    struct response *response = response_new(append, target);
    if (!response)
        return -ENOMEM;
    int error = exchange(url, response, silence);
    job->status = response_status(response);
    *redirected =
        !error && is_redirection(job->status) && url_follow(url, response_location(response));
    response_free(response);
    return error;
}

static int get_following(struct job *job, struct target *target, bine_time silence)
{
    struct url url = job->url;
    for (int i = 0; i <= MOST_REDIRECTIONS; i++) {
        bool redirected;
        int error = get(job, &url, target, silence, &redirected);
        if (error || !redirected)
            return error;
        atomic_fetch_sub(&target->counts->bytes, target->size);
        target->size = 0;
    }
    return -ELOOP;
}

/* 0 where the file is there. */
static int try_once(struct job *job, const char *part, const struct options *options,
                    struct counts *counts)
{
    struct target target = {.counts = counts};
    target.fd = bine_open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (target.fd < 0)
        return target.fd;
    job->status = 0;
    int error = get_following(job, &target, options->silence);
    /* A redirection's own text may have been longer. */
    if (!error && job->status == 200 && ftruncate(target.fd, target.size) != 0)
        error = -EIO;
    bine_close(target.fd);
    if (!error && job->status == 200 && rename(part, job->path) == 0)
        return 0;
    unlink(part);
    atomic_fetch_sub(&counts->bytes, target.size);
    return error ? error : -EREMOTEIO;
}

/* --- all tries --- */

/* A server that is busy, or a network that fails, may do better later; the disk will not. */
static bool may_help_to_wait(const struct job *job, int error)
{
    switch (error) {
    case -EREMOTEIO:
        return job->status == 408 || job->status == 429 || job->status >= 500;
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
    case -EACCES:
    case -EROFS:
    case -ENOENT:
    case -EISDIR:
    case -ELOOP:
    case -ECANCELED:
        return false;
    default:
        return true;
    }
}

/* Doubled each time, and between half of it and all, so that those who failed together do not come
 * back together. */
static int back_off(const struct options *options, unsigned tries)
{
    unsigned doublings = tries - 1 < MOST_DOUBLINGS ? tries - 1 : MOST_DOUBLINGS;
    bine_time most = options->backoff << doublings;
    return bine_sleep(most / 2 + (bine_time)(drand48() * (double)(most / 2)));
}

static int try_all(struct job *job, const char *part, const struct options *options,
                   struct counts *counts)
{
    for (;;) {
        job->tries++;
        int error = try_once(job, part, options, counts);
        if (!error || bine_check() != 0 || job->tries > options->retries ||
            !may_help_to_wait(job, error))
            return error;
        atomic_fetch_add(&counts->retries, 1);
        if (back_off(options, job->tries) != 0)
            return error;
    }
}

void download(struct job *job, const struct options *options, struct counts *counts)
{
    char part[4096];
    atomic_fetch_add(&counts->running, 1);
    snprintf(part, sizeof part, "%s.part", job->path);
    job->error = try_all(job, part, options, counts);
    job->state = !job->error ? JOB_DONE : bine_check() != 0 ? JOB_STOPPED : JOB_FAILED;
    atomic_fetch_sub(&counts->running, 1);
    atomic_fetch_add(job->error ? &counts->failed : &counts->done, 1);
}
