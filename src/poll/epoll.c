/*
 * The poller by epoll.
 *
 * 1. One epoll for the process. With one per worker a stuck worker keeps what is announced to it
 *    from all others; with one per pool, a descriptor would be in as many as there are pools whose
 *    tasks use it.
 * 2. Each descriptor is added once, edge-triggered, for both directions, so that waiting costs no
 *    system call. EPOLLRDHUP is asked for because data and the end of a stream often come as one
 *    edge: who has read the data must be told that reading on will not have to wait.
 * 3. A kick is a write to an eventfd, which stays readable until the watcher has read it. Were it
 *    edge-triggered, one who only looks could take the kick before the watcher has lain down. One
 *    that comes too late ends the next watcher's sleep, in vain.
 */
#define _GNU_SOURCE
#include "poll/poll.h"
#include "base/compiler.h"
#include "base/kernel.h"
#include "base/os.h"
#include "time/clock.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_EVERY_NS = 100000 /* how long events may wait for a busy worker to ask */ };
#define KICK_KEY UINT64_MAX

static struct {
    pthread_mutex_t mutex;      /* protects opening */
    _Atomic int fd;             /* the epoll, 0 until it is open; it is never descriptor 0 */
    int kick_fd;                /* the eventfd; constant once open */
    poll_deliver *deliver;      /* constant once open */
    _Atomic bool has_no_pwait2; /* the kernel has no epoll_pwait2 */
    _Alignas(CACHE_LINE) _Atomic bool watched; /* somebody may sleep */
    _Atomic bool sleeps;                       /* that one does */
    _Atomic int64_t looked_at;                 /* ns: about when somebody asked last */
} poller = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Mutex held. */
static int start(poll_deliver *deliver)
{
    int fd = os_move_from_standard(epoll_create1(EPOLL_CLOEXEC));
    if (fd < 0)
        return fd;
    int kick_fd = os_move_from_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    struct epoll_event kick = {.events = EPOLLIN, .data.u64 = KICK_KEY};
    int error = kick_fd < 0 ? kick_fd : 0;
    if (!error && epoll_ctl(fd, EPOLL_CTL_ADD, kick_fd, &kick) != 0)
        error = -errno;
    if (error) {
        if (kick_fd >= 0)
            close(kick_fd);
        close(fd);
        return error;
    }
    poller.kick_fd = kick_fd;
    poller.deliver = deliver;
    /* release: pairs with the acquire in poller_is_open(). */
    atomic_store_explicit(&poller.fd, fd, memory_order_release);
    return 0;
}

int poller_open(const char *name, poll_deliver *deliver)
{
    if (strcmp(name, "epoll") != 0)
        return -EINVAL;
    pthread_mutex_lock(&poller.mutex);
    int error = poller_is_open() ? 0 : start(deliver);
    pthread_mutex_unlock(&poller.mutex);
    return error;
}

bool poller_is_open(void)
{
    return atomic_load_explicit(&poller.fd, memory_order_acquire) != 0;
}

int poller_add(int fd, uint64_t key)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                                .data.u64 = key};
    return epoll_ctl(poller.fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void poller_remove(int fd)
{
    epoll_ctl(poller.fd, EPOLL_CTL_DEL, fd, NULL);
}

static uint32_t bits_of(uint32_t events)
{
    uint32_t bits = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR))
        bits |= READY_IN;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        bits |= READY_OUT;
    if (events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR))
        bits |= READY_LAST;
    return bits;
}

static int to_milliseconds(int64_t span)
{
    int64_t ms = (span + 999999) / 1000000; /* rounded up: a deadline is not early */
    return ms > 1000000 ? 1000000 : (int)ms;
}

static int wait_for_events(struct epoll_event *events, int64_t deadline)
{
    if (deadline <= 0)
        return kernel_epoll_wait(poller.fd, events, POLL_BATCH, 0);
    if (deadline == INT64_MAX)
        return kernel_epoll_wait(poller.fd, events, POLL_BATCH, -1);
    int64_t span = deadline - clock_now();
    if (span < 0)
        span = 0;
#ifdef SYS_epoll_pwait2
    if (!atomic_load_explicit(&poller.has_no_pwait2, memory_order_relaxed)) {
        /* The kernel's own timespec, of 64 bits on every machine that bine knows. */
        struct timespec at = {span / 1000000000, span % 1000000000};
        long count = syscall(SYS_epoll_pwait2, poller.fd, events, POLL_BATCH, &at, NULL, 0);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)count;
        atomic_store_explicit(&poller.has_no_pwait2, true, memory_order_relaxed);
    }
#endif
    return kernel_epoll_wait(poller.fd, events, POLL_BATCH, to_milliseconds(span));
}

/* The events are written where the batch will be: a struct epoll_event is no larger than ours, and
 * each is read before its place is written. */
static_assert(sizeof(struct epoll_event) <= sizeof(struct poll_event), "fits in place");

static void take_kick(void)
{
    uint64_t count;
    ssize_t got = read(poller.kick_fd, &count, sizeof count);
    (void)got; /* it is non-blocking */
}

void poller_wait(struct poll_batch *batch, int64_t deadline)
{
    struct epoll_event *events = (struct epoll_event *)((char *)(batch->event + POLL_BATCH) -
                                                        POLL_BATCH * sizeof(struct epoll_event));
    if (deadline > 0)
        atomic_store_explicit(&poller.sleeps, true, memory_order_relaxed);
    int found = wait_for_events(events, deadline);
    atomic_store_explicit(&poller.looked_at, clock_now(), memory_order_relaxed);
    if (deadline > 0)
        atomic_store_explicit(&poller.sleeps, false, memory_order_relaxed);
    batch->count = 0;
    for (int i = 0; i < found; i++) {
        struct epoll_event event;
        memcpy(&event, &events[i], sizeof event);
        if (event.data.u64 == KICK_KEY) {
            if (deadline > 0)
                take_kick();
            continue;
        }
        batch->event[batch->count++] = (struct poll_event){event.data.u64, bits_of(event.events)};
    }
}

void poller_kick(void)
{
    uint64_t one = 1;
    ssize_t written = write(poller.kick_fd, &one, sizeof one);
    (void)written; /* it cannot fill up in a lifetime */
}

void poller_deliver(const struct poll_batch *batch)
{
    if (batch->count)
        poller.deliver(batch);
}

bool poller_take_watch(void)
{
    /* seq_cst, here and in poller_give_watch(): see monitor.c, which looks whether anybody watches
     * after it has seen that all workers sleep. */
    return !atomic_load_explicit(&poller.watched, memory_order_relaxed) &&
           !atomic_exchange_explicit(&poller.watched, true, memory_order_seq_cst);
}

void poller_give_watch(void)
{
    atomic_store_explicit(&poller.watched, false, memory_order_seq_cst);
}

bool poller_is_watched(void)
{
    return atomic_load_explicit(&poller.watched, memory_order_seq_cst);
}

bool poller_is_due(int64_t now)
{
    return poller_is_open() && !atomic_load_explicit(&poller.sleeps, memory_order_relaxed) &&
           now - atomic_load_explicit(&poller.looked_at, memory_order_relaxed) > LOOK_EVERY_NS;
}

void poller_abandon(void)
{
    int fd = atomic_exchange(&poller.fd, 0);
    if (fd) {
        close(fd);
        close(poller.kick_fd);
    }
    pthread_mutex_init(&poller.mutex, NULL);
    atomic_store(&poller.watched, false);
    atomic_store(&poller.sleeps, false);
}
