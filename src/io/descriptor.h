/*
 * Descriptors as tasks use them: who is inside, what is known of each, and waiting until one is
 * ready. Every call on a descriptor goes
 *
 *     struct use use;
 *     int error = use_begin(&use, fd);             finds out what fd is now
 *     while (...) {
 *         if (side_may_try(&use, side)) {
 *             if (!use_enter(&use)) return -EBADF;  closed since use_begin()
 *             a system call on fd that does not wait
 *             use_leave(&use);
 *             side_tried(&use, side, outcome)
 *         }
 *         error = side_wait(&use, side, "read");
 *     }
 *
 * Between enter and leave the number cannot be closed, and so not be reused.
 */
#ifndef BINE_IO_DESCRIPTOR_H
#define BINE_IO_DESCRIPTOR_H

#include "base/spinlock.h"
#include "sync/waitlist.h"

/* What a descriptor is; see identify() in descriptor.c. */
enum trait {
    TRAIT_SOCKET = 1 << 0,
    TRAIT_TCP = 1 << 1,  /* a stream whose short read or write says that no more can be had now */
    TRAIT_FILE = 1 << 2, /* readiness means nothing; calls may take long: a regular file, a disk */
    TRAIT_PROMPT = 1 << 3,    /* calls never wait: /dev/null */
    TRAIT_OURS = 1 << 4,      /* opened by bine: non-blocking, and closed only by bine_close() */
    TRAIT_NO_NOWAIT = 1 << 5, /* the kernel has no non-blocking read or write for it */
    TRAIT_UNIX = 1 << 6,
    TRAIT_NO_NOWRITE = 1 << 7, /* no non-blocking write for this file */
};

/* The two directions. */
enum side_index { SIDE_IN, SIDE_OUT, SIDES };

/*
 * One direction of a descriptor: a word that settles edges against waits, and who waits.
 *
 *                 side_event()
 *     EMPTY ----------------------> READY --- a task tries
 *       ^                             |
 *       `--- tried in vain, or what came was all, and no edge came since
 *
 * The word counts edges, so that a task which has tried knows whether one came meanwhile. All of it
 * is written with the descriptor's lock held; the word is read without, too.
 */
struct side {
    _Atomic uint32_t word; /* SIDE_ flags and, above them, the number of edges */
    struct waitlist waits; /* first come, first served */
};

enum {
    SIDE_READY = 1 << 0,   /* trying may succeed */
    SIDE_SERVED = 1 << 1,  /* a waiter was woken and has not tried yet: nobody overtakes it */
    SIDE_WAITERS = 1 << 2, /* the list is not empty: newcomers go behind */
    SIDE_LAST = 1 << 3,    /* an edge may be the last one: only a try in vain says EMPTY */
    SIDE_EDGE = 1 << 4,
};

struct socket_file;

/* Never freed, nor moved: a stale pointer meets another generation. */
struct descriptor {
    _Atomic uint64_t word;   /* generation, state and calls inside: see descriptor.c */
    struct spinlock lock;    /* protects the sides, and what follows while it changes */
    _Atomic uint16_t traits; /* enum trait */
    _Atomic bool polled;     /* announced by the poller */
    struct side side[SIDES];
    /* Of a listening Unix socket, removed at close; NULL: none. Atomic, relaxed, because who closes
     * looks at it without the lock: what orders that before a reuse of the number is the kernel. */
    _Atomic(struct socket_file *) file;
};

/* A call on a descriptor. */
struct use {
    struct descriptor *descriptor;
    int fd;
    uint32_t generation; /* of the descriptor when the call began */
    bool served;         /* this waiter was woken and is to hand on: SIDE_SERVED is its own */
    uint32_t seen;       /* the side's word before the try */
};

/* What a descriptor's word is made of: 32 bits generation, 4 state, 28 calls inside. */
enum descriptor_state { STATE_NONE, STATE_OPEN, STATE_CLOSING, STATE_SHUT };
enum { STATE_SHIFT = 28, GENERATION_SHIFT = 32 };

/* Descriptors are in chunks that are never freed. */
enum {
    CHUNK = 1024,     /* descriptors in a chunk */
    CHUNKS = 1 << 16, /* chunks: more numbers than the kernel gives out */
};
extern _Atomic(struct descriptor *) descriptor_table[CHUNKS];

/* The descriptor of a number that has one; NULL. */
static inline struct descriptor *descriptor_find(int fd)
{
    if (unlikely(fd < 0 || fd >= CHUNK * CHUNKS))
        return NULL;
    struct descriptor *chunk =
        atomic_load_explicit(&descriptor_table[fd / CHUNK], memory_order_acquire);
    return likely(chunk != NULL) ? &chunk[fd % CHUNK] : NULL;
}

/* True if the word says open, in that generation. */
static inline bool word_is_open(uint64_t word, uint32_t generation)
{
    return word >> STATE_SHIFT ==
           ((uint64_t)generation << GENERATION_SHIFT | (uint64_t)STATE_OPEN << STATE_SHIFT) >>
               STATE_SHIFT;
}

/* True if the descriptor is open, and the same as when `generation` was read. */
static inline bool descriptor_is_open(const struct descriptor *descriptor, uint32_t generation)
{
    return word_is_open(atomic_load_explicit(&descriptor->word, memory_order_acquire), generation);
}

int use_begin_slowly(struct use *use);

/* Finds out what fd is. 0; -EBADF, -ENOMEM. */
static inline int use_begin(struct use *use, int fd)
{
    struct descriptor *descriptor = descriptor_find(fd);
    use->fd = fd;
    use->served = false;
    use->descriptor = descriptor;
    if (likely(descriptor != NULL)) {
        uint64_t word = atomic_load_explicit(&descriptor->word, memory_order_acquire);
        use->generation = (uint32_t)(word >> GENERATION_SHIFT);
        if (likely(word_is_open(word, use->generation) &&
                   (atomic_load_explicit(&descriptor->traits, memory_order_relaxed) &
                    (TRAIT_FILE | TRAIT_OURS)) != TRAIT_FILE))
            return 0;
    }
    return use_begin_slowly(use);
}

static inline unsigned use_traits(const struct use *use)
{
    return atomic_load_explicit(&use->descriptor->traits, memory_order_relaxed);
}

static inline void use_add_trait(const struct use *use, enum trait trait)
{
    atomic_fetch_or_explicit(&use->descriptor->traits, (uint16_t)trait, memory_order_relaxed);
}

/* Of one who comes out of a descriptor that is being closed: the last one closes it. */
void use_leave_closing(struct use *use, uint64_t word);

static inline void use_leave(struct use *use)
{
    /* acq_rel, here and in use_enter(): pairs with the changes of state; the last one inside sees what
     * the closer did. */
    uint64_t word = atomic_fetch_sub_explicit(&use->descriptor->word, 1, memory_order_acq_rel);
    if (unlikely(!word_is_open(word, use->generation)))
        use_leave_closing(use, word);
}

/* Keeps the number from being closed. False: it has been. */
static inline bool use_enter(struct use *use)
{
    uint64_t word = atomic_fetch_add_explicit(&use->descriptor->word, 1, memory_order_acq_rel);
    if (likely(word_is_open(word, use->generation)))
        return true;
    use_leave(use);
    return false;
}

/* What fd is has changed, which means that somebody closed the number with close(): looks anew. */
int use_identify_again(struct use *use);

/* Takes a descriptor over that was just opened, non-blocking. 0; or -ENOMEM, -EMFILE, and it is the
 * caller's to close. */
int descriptor_adopt(int fd, unsigned traits);

/* Sees that a listening Unix socket's file is removed at close: see socket.c. */
void descriptor_own_file(int fd, struct socket_file *file);

/* Closes it, or leaves that to the last call inside. 0, -EBADF or what close() says. */
int descriptor_close(int fd);

/* Descriptors can be cases of select from now on: select_fd.c. */
void descriptor_offer_to_select(void);

/* --- waiting: side.c --- */

/* True if a newcomer may try now. A waiter that was woken tries anyway. */
static inline bool side_may_try(struct use *use, enum side_index index)
{
    uint32_t word = atomic_load_explicit(&use->descriptor->side[index].word, memory_order_acquire);
    use->seen = word;
    return use->served || (word & (SIDE_READY | SIDE_SERVED | SIDE_WAITERS)) == SIDE_READY;
}

/* What a try has shown. */
enum outcome {
    OUTCOME_MORE,  /* there may be more to be had */
    OUTCOME_SHORT, /* on a stream: that was all, unless an edge may have been the last */
    OUTCOME_NONE,  /* it would have had to wait */
};

void side_note(struct use *use, enum side_index index, enum outcome outcome);

/* Writes down what a try has shown, and lets the next waiter try if there is more. */
static inline void side_tried(struct use *use, enum side_index index, enum outcome outcome)
{
    if (outcome != OUTCOME_MORE || use->served)
        side_note(use, index, outcome);
}

/* Waits for an edge, if none has come since the last try. 0: try; -EBADF (closed), -ECANCELED,
 * -ETIMEDOUT, or what the poller says. `what`: for the dump. */
int side_wait(struct use *use, enum side_index index, const char *what);

/* Sees that the poller tells of the descriptor: 0, or what the poller says. */
int side_announce(struct use *use);

/* A plain thread relies on workers to ask the poller: around each of its waits. 0 or -errno. */
int side_begin_in_thread(void);
void side_end_in_thread(void);

/* What a waiter finds in wait->word. */
enum side_woken {
    WOKEN_NOT,
    WOKEN_READY,  /* an edge came, and SIDE_SERVED is this waiter's */
    WOKEN_CLOSED, /* the descriptor was closed */
};

/* --- descriptor locked --- */

/* Ends all waits with -EBADF and adds who waited to the list. */
void side_close(struct side *side, struct task **woken);

/* Puts a wait into the list. False: there is no reason to wait. */
bool side_join(struct side *side, struct wait *wait);

/* Takes a wait that was put there, or not, out again. If an edge was told to it, adds who is next
 * to the list. */
void side_depart(struct side *side, struct wait *wait, struct task **woken);

/* The poller, opened on first use: 0 or why it cannot be. */
int side_need_poller(void);

#endif
