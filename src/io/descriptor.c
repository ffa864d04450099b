/*
 * The table of descriptors: which number stands for what, and when it may be closed.
 *
 *    NONE --- descriptor_adopt(), or the first use of one that the program opened ---> OPEN
 *     ^                                                                                  |
 *     |                                                               descriptor_close() |
 *     |                                      the last call inside leaves                 v
 *     `------ closed by the kernel --- SHUT <------------------------------------- CLOSING
 *
 * 1. A descriptor's word holds generation, state and the number of calls inside. The generation
 *    grows with every close, so a call that began before it finds out when it enters again.
 * 2. The number is given back to the kernel only in SHUT, with no call inside that was let in.
 *    Whoever enters in vain comes out again without having touched the number.
 * 3. In SHUT the kernel may have given the number to somebody else already. Who opened it himself
 *    knows that and takes it over at once; others wait until the state says so.
 * 4. Descriptors are in chunks that are never freed, so who has fetched an event, or comes late,
 * may always look.
 *
 * A descriptor that the program opened is looked at once, at its first use. Should the program
 * close it by close() against the rules, that is noticed for files at the next use, for others when
 * a task is about to wait (the kernel then takes it as a new one) or a call fails.
 */
#define _GNU_SOURCE
#include "io/descriptor.h"
#include "io/socket_file.h"
#include "poll/poll.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MEMORY_DEVICES = 1, /* the major number of /dev/null, /dev/zero and the like */
};

#define INSIDE_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)

_Atomic(struct descriptor *) descriptor_table[CHUNKS];

static uint32_t generation_of(uint64_t word)
{
    return (uint32_t)(word >> GENERATION_SHIFT);
}

static enum descriptor_state state_of(uint64_t word)
{
    return (enum descriptor_state)(word >> STATE_SHIFT & 15);
}

static uint64_t make_word(uint32_t generation, enum descriptor_state state, uint64_t inside)
{
    return (uint64_t)generation << GENERATION_SHIFT | (uint64_t)state << STATE_SHIFT | inside;
}

/* From the start, for select may be the first to use a descriptor. It is here and not with what it
 * calls so that a linker, which takes from an archive what is asked for, takes both. */
__attribute__((constructor)) static void offer_to_select(void)
{
    descriptor_offer_to_select();
}

/* In the child of a fork: who waited is not there. What was opened by bine is a descriptor like any
 * other there, and the table is as if new. */
static void abandon(void)
{
    for (int i = 0; i < CHUNKS; i++) {
        struct descriptor *chunk = atomic_load(&descriptor_table[i]);
        if (chunk)
            memset(chunk, 0, CHUNK * sizeof *chunk);
    }
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, abandon);
}

static struct descriptor *make_chunk(int number)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct descriptor *chunk = NULL, *before = NULL;
    pthread_once(&once, watch_forks);
    if (posix_memalign((void **)&chunk, CACHE_LINE, CHUNK * sizeof *chunk) != 0)
        return NULL;
    memset(chunk, 0, CHUNK * sizeof *chunk);
    /* release: pairs with the acquire in descriptor_find(). */
    if (atomic_compare_exchange_strong_explicit(&descriptor_table[number], &before, chunk,
                                                memory_order_release, memory_order_acquire))
        return chunk;
    free(chunk);
    return before;
}

/* *error: -EBADF or -ENOMEM where there is none. */
static struct descriptor *find_or_make(int fd, int *error)
{
    struct descriptor *descriptor = descriptor_find(fd);
    *error = fd < 0 || fd >= CHUNK * CHUNKS ? -EBADF : 0;
    if (descriptor || *error)
        return descriptor;
    struct descriptor *chunk = make_chunk(fd / CHUNK);
    *error = chunk ? 0 : -ENOMEM;
    return chunk ? &chunk[fd % CHUNK] : NULL;
}

/* --- what a descriptor is --- */

static int get_option(int fd, int option)
{
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

static unsigned identify_socket(int fd)
{
    unsigned traits = TRAIT_SOCKET;
    int domain = get_option(fd, SO_DOMAIN);
    if (domain == AF_UNIX)
        traits |= TRAIT_UNIX;
    if ((domain == AF_INET || domain == AF_INET6) && get_option(fd, SO_TYPE) == SOCK_STREAM &&
        get_option(fd, SO_PROTOCOL) == IPPROTO_TCP)
        traits |= TRAIT_TCP;
    return traits;
}

/* The traits of what the number stands for now, or -EBADF. */
static int identify(int fd)
{
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &status) != 0)
        return -errno;
    if (S_ISSOCK(status.stx_mode))
        return (int)identify_socket(fd);
    if (S_ISREG(status.stx_mode) || S_ISBLK(status.stx_mode) || S_ISDIR(status.stx_mode))
        return TRAIT_FILE;
    if (S_ISCHR(status.stx_mode) && status.stx_rdev_major == MEMORY_DEVICES)
        return TRAIT_PROMPT;
    return 0;
}

/* Descriptor locked. */
static void set_up(struct descriptor *descriptor, unsigned traits)
{
    for (int i = 0; i < SIDES; i++) {
        assert(!descriptor->side[i].waits.first);
        atomic_store_explicit(&descriptor->side[i].word, SIDE_READY, memory_order_relaxed);
    }
    atomic_store_explicit(&descriptor->traits, (uint16_t)traits, memory_order_relaxed);
    atomic_store_explicit(&descriptor->polled, false, memory_order_relaxed);
    atomic_store_explicit(&descriptor->file, NULL, memory_order_relaxed);
}

/* Moves the word on to another state, those inside kept. False if generation or state are not as
 * expected any more. */
static bool move_state(struct descriptor *descriptor, uint64_t seen, uint32_t generation,
                       enum descriptor_state state)
{
    uint64_t word = seen;
    do {
        if (word >> STATE_SHIFT != seen >> STATE_SHIFT)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &descriptor->word, &word, make_word(generation, state, word & INSIDE_MASK),
        memory_order_acq_rel, memory_order_acquire));
    return true;
}

/* The first use of a descriptor that the program has opened. `seen`: its word before it was looked
 * at, in NONE. */
static int take_foreign(struct use *use, uint64_t seen)
{
    struct descriptor *descriptor = use->descriptor;
    int traits = identify(use->fd);
    if (traits < 0)
        return traits;
    spin_lock(&descriptor->lock);
    uint64_t now = atomic_load_explicit(&descriptor->word, memory_order_acquire);
    bool same = generation_of(now) == generation_of(seen);
    bool is_new = same && state_of(now) == STATE_NONE;
    if (is_new) {
        set_up(descriptor, (unsigned)traits);
        is_new = move_state(descriptor, now, generation_of(now), STATE_OPEN);
    }
    spin_unlock(&descriptor->lock);
    use->generation = generation_of(seen);
    /* Else it was closed since; or another call has taken it. */
    return is_new || descriptor_is_open(descriptor, use->generation) ? 0 : -EBADF;
}

int use_identify_again(struct use *use)
{
    unsigned traits = use_traits(use);
    int found = identify(use->fd);
    if (found < 0)
        return found;
    if (!(traits & TRAIT_OURS))
        atomic_store_explicit(&use->descriptor->traits, (uint16_t)found, memory_order_relaxed);
    return 0;
}

/* The kernel is closing the number, or has given it to somebody else already. */
static uint64_t until_not_shut(struct descriptor *descriptor)
{
    struct backoff backoff = {0};
    uint64_t word;
    while (state_of(word = atomic_load_explicit(&descriptor->word, memory_order_acquire)) ==
           STATE_SHUT)
        backoff_pause(&backoff);
    return word;
}

int use_begin_slowly(struct use *use)
{
    int error = 0;
    use->descriptor = find_or_make(use->fd, &error);
    if (unlikely(error))
        return error;
    uint64_t word = atomic_load_explicit(&use->descriptor->word, memory_order_acquire);
    if (unlikely(state_of(word) == STATE_SHUT))
        word = until_not_shut(use->descriptor);
    use->generation = generation_of(word);
    if (unlikely(state_of(word) == STATE_CLOSING))
        return -EBADF;
    if (unlikely(state_of(word) == STATE_NONE))
        return take_foreign(use, word);
    if (unlikely((use_traits(use) & (TRAIT_FILE | TRAIT_OURS)) == TRAIT_FILE))
        return use_identify_again(use);
    return 0;
}

int descriptor_adopt(int fd, unsigned traits)
{
    int error;
    struct descriptor *descriptor = find_or_make(fd, &error);
    struct task *woken = NULL;
    if (!descriptor)
        return error == -EBADF ? -EMFILE : error;
    spin_lock(&descriptor->lock);
    uint64_t word = atomic_load_explicit(&descriptor->word, memory_order_acquire);
    /* What was there has been closed by close(): its waits can only end so. */
    for (int i = 0; i < SIDES; i++)
        side_close(&descriptor->side[i], &woken);
    set_up(descriptor, traits | TRAIT_OURS);
    while (!atomic_compare_exchange_weak_explicit(
        &descriptor->word, &word,
        make_word(generation_of(word) + 1, STATE_OPEN, word & INSIDE_MASK), memory_order_acq_rel,
        memory_order_acquire))
        ;
    spin_unlock(&descriptor->lock);
    wait_resume_all(woken);
    return 0;
}

void descriptor_own_file(int fd, struct socket_file *file)
{
    atomic_store_explicit(&descriptor_find(fd)->file, file, memory_order_relaxed);
}

/* --- inside and out --- */

/* Gives the number back, if nobody is inside. One caller gets through. `result`: of closing it. */
static void shut_if_empty(struct descriptor *descriptor, int fd, int *result)
{
    uint64_t word = atomic_load_explicit(&descriptor->word, memory_order_acquire);
    do {
        if (state_of(word) != STATE_CLOSING || (word & INSIDE_MASK) != 0)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&descriptor->word, &word,
                                                    make_word(generation_of(word), STATE_SHUT, 0),
                                                    memory_order_acq_rel, memory_order_acquire));
    uint32_t generation = generation_of(word);
    if (atomic_load_explicit(&descriptor->polled, memory_order_relaxed))
        poller_remove(fd);
    struct socket_file *file = atomic_load_explicit(&descriptor->file, memory_order_relaxed);
    if (file)
        socket_file_remove(file);
    int error = close(fd) == 0 ? 0 : -errno;
    /* The number may be somebody else's by now: then its state is not SHUT any more. */
    move_state(descriptor, make_word(generation, STATE_SHUT, 0), generation, STATE_NONE);
    *result = error;
}

void use_leave_closing(struct use *use, uint64_t word)
{
    int ignored;
    if (state_of(word) == STATE_CLOSING && (word & INSIDE_MASK) == 1)
        shut_if_empty(use->descriptor, use->fd, &ignored);
}

/* Closes one that nobody has used here, so that who is about to do so for the first time notices.
 */
static int close_unused(struct descriptor *descriptor, int fd, uint64_t word)
{
    if (!move_state(descriptor, word, generation_of(word) + 1, STATE_SHUT))
        return -EAGAIN;
    int error = close(fd) == 0 ? 0 : -errno;
    move_state(descriptor, make_word(generation_of(word) + 1, STATE_SHUT, 0),
               generation_of(word) + 1, STATE_NONE);
    return error;
}

static int close_used(struct descriptor *descriptor, int fd, uint64_t word)
{
    struct task *woken = NULL;
    int result = 0;
    /* Locked from before: the last one inside may shut it at once, and nobody may take the number
     * over for something new before the old waits are out of the way. */
    spin_lock(&descriptor->lock);
    bool moved = move_state(descriptor, word, generation_of(word) + 1, STATE_CLOSING);
    for (int i = 0; i < SIDES && moved; i++)
        side_close(&descriptor->side[i], &woken);
    spin_unlock(&descriptor->lock);
    if (!moved)
        return -EAGAIN;
    shut_if_empty(descriptor, fd, &result);
    wait_resume_all(woken);
    return result;
}

int descriptor_close(int fd)
{
    int error;
    struct descriptor *descriptor = find_or_make(fd, &error);
    if (!descriptor)
        return error == -ENOMEM && close(fd) == 0 ? 0 : error == -ENOMEM ? -errno : error;
    do {
        uint64_t word = until_not_shut(descriptor);
        error = state_of(word) == STATE_CLOSING ? -EBADF
                : state_of(word) == STATE_OPEN  ? close_used(descriptor, fd, word)
                                                : close_unused(descriptor, fd, word);
    } while (error == -EAGAIN); /* which close() never says: the state has changed */
    return error;
}
