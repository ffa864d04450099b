/*
 * Signals as values.
 *
 * A signal reaches the process on one of two ways, and both end in `arrived`:
 *
 *    a thread has it unmasked ---> our handler, there ----.
 *                                                         v
 *    all have it masked: it stays pending --- signalfd -> arrived --- courier ---> the channels
 *                                                         ^
 *    a thread masks one of its own: it looks now and then '
 *
 * The courier is a thread with all signals masked that waits for both. Anything more than to note
 * the number is not for a handler, which may have interrupted whoever holds any lock.
 *
 * 1. A signal is taken (the handler is ours, and the signalfd has it) while a listener names it.
 *    `before` has the action that was found and will be put back.
 * 2. The registry does not hold its channels alive. A channel leaves it before it is closed, or
 *    freed without, and both wait for the lock: so every channel in it is valid to the lock's holder.
 * 3. What has arrived before a listener comes is not for it, and what has arrived before it goes is:
 *    so both deliver first.
 * 4. A channel has room for each of its signals once, and only we send: so sending never fails for
 *    want of room. Values leave in the order they came, so a number is unread while fewer have been
 *    sent since than are in the buffer.
 * 5. An action that somebody has put in place of ours since is left alone.
 *
 * The lock is a plain one, held for as long as a few system calls: closing is not for waiting.
 *
 * Rejected: a courier with the taken signals unmasked. It would die of them when a channel is
 * closed while every other thread has them masked.
 */
#include "io/signals.h"
#include "base/compiler.h"
#include "base/os.h"
#include "chan/channel.h"
#include "sched/pending.h"
#include <assert.h>
#include <bine/signal.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MOST_SIGNALS = 64 };

/* A set of signals: bit 0 is signal 1. */
typedef uint64_t signal_set;

struct listener {
    struct listener *next;
    bine_chan(int) ch;
    signal_set wanted;
    uint64_t sent;                     /* how many values */
    uint64_t sent_at[MOST_SIGNALS + 1]; /* `sent` once a number had been sent the last time; 0: never */
};

static struct {
    pthread_mutex_t lock; /* protects all */
    bool running;         /* the courier and its descriptors are there */
    struct listener *listeners;
    signal_set taken;
    struct sigaction before[MOST_SIGNALS + 1];
    int pending_fd; /* signalfd: taken signals that no thread has unmasked */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER, .pending_fd = -1};

/* Those that the handler has seen and nobody has delivered. */
static _Atomic signal_set arrived;
/* eventfd: the handler rings it. Set before any handler of ours is. */
static _Atomic int bell_fd = -1;

static signal_set only(int number)
{
    return (signal_set)1 << (number - 1);
}

/* --- the handler --- */

static void handle(int number)
{
    int saved = errno;
    uint64_t ring = 1;
    /* release: pairs with the exchange in take_arrived(); what the sender did before is seen by
     * who receives the number. */
    atomic_fetch_or_explicit(&arrived, only(number), memory_order_release);
    if (write(atomic_load_explicit(&bell_fd, memory_order_relaxed), &ring, sizeof ring) < 0)
        assert(errno == EAGAIN); /* it has rung often enough */
    errno = saved;
}

static bool is_ours(const struct sigaction *action)
{
    return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == handle;
}

/* --- taking and giving back; lock held --- */

static sigset_t as_sigset(signal_set set)
{
    sigset_t result;
    sigemptyset(&result);
    for (int number = 1; number <= MOST_SIGNALS; number++)
        if (set & only(number))
            sigaddset(&result, number);
    return result;
}

static void set_taken(signal_set taken)
{
    sigset_t set = as_sigset(taken);
    registry.taken = taken;
    pending_watch(taken, handle);
    signalfd(registry.pending_fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take(int number)
{
    struct sigaction found, ours = {.sa_handler = handle, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    sigaction(number, NULL, &found);
    if (is_ours(&found))
        return;
    registry.before[number] = found;
    sigaction(number, &ours, NULL);
}

static void give_back(int number)
{
    struct sigaction found;
    sigaction(number, NULL, &found);
    if (is_ours(&found))
        sigaction(number, &registry.before[number], NULL);
}

static void give_back_all(signal_set set)
{
    for (int number = 1; number <= MOST_SIGNALS; number++)
        if (set & only(number))
            give_back(number);
}

/* --- delivering; lock held --- */

static signal_set take_arrived(void)
{
    struct signalfd_siginfo info[8];
    ssize_t size;
    signal_set set = atomic_exchange_explicit(&arrived, 0, memory_order_acquire);
    while ((size = read(registry.pending_fd, info, sizeof info)) > 0)
        for (size_t i = 0; i < (size_t)size / sizeof *info; i++)
            set |= only((int)info[i].ssi_signo);
    return set;
}

static bool is_unread(const struct listener *listener, int number)
{
    uint64_t at = listener->sent_at[number];
    return at && listener->sent - at < bine_chan_len(listener->ch);
}

static void send_to(struct listener *listener, int number)
{
    if (is_unread(listener, number))
        return;
    if (bine_try_send(listener->ch, number) == 0)
        listener->sent_at[number] = ++listener->sent;
}

static void deliver(void)
{
    signal_set set = take_arrived();
    for (int number = 1; set; number++, set >>= 1)
        if (set & 1)
            for (struct listener *listener = registry.listeners; listener;
                 listener = listener->next)
                if (listener->wanted & only(number))
                    send_to(listener, number);
}

/* --- the courier --- */

static void *carry(void *unused)
{
    struct pollfd fds[] = {
        {.fd = registry.pending_fd, .events = POLLIN},
        {.fd = atomic_load_explicit(&bell_fd, memory_order_relaxed), .events = POLLIN},
    };
    uint64_t rung;
    prctl(PR_SET_NAME, "bine signals", 0, 0, 0);
    for (;;) {
        poll(fds, 2, -1);
        if (read(fds[1].fd, &rung, sizeof rung) < 0)
            assert(errno == EAGAIN);
        pthread_mutex_lock(&registry.lock);
        deliver();
        pthread_mutex_unlock(&registry.lock);
    }
    return unused;
}

static void close_fds(void)
{
    close(registry.pending_fd);
    close(atomic_exchange_explicit(&bell_fd, -1, memory_order_relaxed));
    registry.pending_fd = -1;
}

static int start_courier(void)
{
    sigset_t none;
    sigemptyset(&none);
    registry.pending_fd = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
    atomic_store_explicit(&bell_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), memory_order_relaxed);
    if (registry.pending_fd < 0 || atomic_load_explicit(&bell_fd, memory_order_relaxed) < 0 ||
        os_start_detached(carry, NULL, 0) != 0) {
        close_fds();
        return -ENOMEM;
    }
    registry.running = true;
    return 0;
}

/* --- listeners --- */

/* The channel is about to be closed, or freed. */
static void leave(struct bine_chan *ch)
{
    signal_set still = 0;
    struct listener **link, *leaver = NULL;
    pthread_mutex_lock(&registry.lock);
    deliver();
    for (link = &registry.listeners; *link;) {
        if (BINE_CHAN_OF_((*link)->ch) == ch) {
            leaver = *link;
            *link = leaver->next;
        } else {
            still |= (*link)->wanted;
            link = &(*link)->next;
        }
    }
    if (leaver) { /* else this is a forked child, which has none of its parent's listeners */
        signal_set left = registry.taken & ~still;
        set_taken(still);
        give_back_all(left);
    }
    pthread_mutex_unlock(&registry.lock);
    free(leaver);
}

static int enter(struct listener *listener)
{
    int error = 0;
    pthread_mutex_lock(&registry.lock);
    if (!registry.running)
        error = start_courier();
    if (!error) {
        deliver();
        for (int number = 1; number <= MOST_SIGNALS; number++)
            if (listener->wanted & only(number))
                take(number);
        set_taken(registry.taken | listener->wanted);
        listener->next = registry.listeners;
        registry.listeners = listener;
    }
    pthread_mutex_unlock(&registry.lock);
    return error;
}

/* --- fork --- */

static void before_fork(void)
{
    pthread_mutex_lock(&registry.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&registry.lock);
}

/* The child has no courier and begins anew, with the actions that were there before. The
 * listeners are left behind, like their channels. */
static void begin_anew(void)
{
    if (registry.running) {
        give_back_all(registry.taken);
        pending_watch(0, handle);
        close_fds();
        registry.taken = 0;
        registry.listeners = NULL;
        registry.running = false;
        atomic_store_explicit(&arrived, 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&registry.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, begin_anew);
}

/* --- the public call --- */

static bool can_be_taken(int number)
{
    if (number < 1 || number > SIGRTMAX || (number > SIGSYS && number < SIGRTMIN))
        return false;
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
        return false;
    default:
        return true;
    }
}

/* 0 or -EINVAL. */
static int read_numbers(const int *numbers, size_t count, signal_set *wanted)
{
    *wanted = 0;
    if (!numbers && count > 0)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!can_be_taken(numbers[i]))
            return -EINVAL;
        *wanted |= only(numbers[i]);
    }
    return 0;
}

static int listen_for(signal_set wanted, struct listener **made)
{
    size_t count = (size_t)__builtin_popcountll(wanted);
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return -ENOMEM;
    listener->wanted = wanted;
    listener->ch = bine_chan_make(int, count ? count : 1);
    if (!listener->ch)
        goto free_listener;
    if (enter(listener) != 0)
        goto free_channel;
    chan_on_close(BINE_CHAN_OF_(listener->ch), leave);
    *made = listener;
    return 0;

free_channel:
    bine_chan_unref(listener->ch);
free_listener:
    free(listener);
    return -ENOMEM;
}

bine_chan(int) bine_signals(const int *numbers, size_t count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct listener *listener;
    signal_set wanted;
    int error = read_numbers(numbers, count, &wanted);
    if (!error) {
        pthread_once(&once, watch_forks);
        error = listen_for(wanted, &listener);
    }
    if (error) {
        errno = -error;
        return NULL;
    }
    return listener->ch;
}

uint64_t signals_ignored_before(void)
{
    signal_set ignored = 0;
    pthread_mutex_lock(&registry.lock);
    for (int number = 1; number <= MOST_SIGNALS; number++)
        if ((registry.taken & only(number)) && registry.before[number].sa_handler == SIG_IGN)
            ignored |= only(number);
    pthread_mutex_unlock(&registry.lock);
    return ignored;
}
