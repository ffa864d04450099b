/*
 * Stacks.
 *
 * 1. Stacks are cut from chunks, one mapping each: the records of all stacks of the chunk first,
 *    then slots of [guard page | promise + STACK_EXTRA]. Chunks are never unmapped.
 * 2. Free stacks of a class are in its depot: `hot` ones, last given first, may hold memory; `cold`
 *    ones hold none. The workers keep small caches of their own in front of it.
 * 3. `idle` is how short the hot list has been since the last trim. That many at its far end have
 *    lain unused all that time: a trim turns them cold.
 *
 * The tops lie at 16 different offsets: at equal ones the hot lines of all stacks would compete for
 * the same few sets of the cache. None lies at the slot's very end: unwinders look a little beyond.
 *
 * Guards: a marker in the page table where the kernel has it (6.13), which costs no mapping. Else
 * mprotect, which splits mappings and so is given only to as many stacks as vm.max_map_count
 * leaves room for; those after them have the unused address space below as their only guard.
 */
#include "stack/stack.h"
#include "base/os.h"
#include "base/spinlock.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    COLOURS = 16,
    COLOUR_STEP = 128,
    FIRST_CHUNK = 8,                /* stacks in a class's first chunk; doubles ... */
    LARGEST_CHUNK = 64,             /* ... up to this */
    CHUNK_BYTES = 16 << 20,         /* ... or to about this size */
    MOST_MPROTECT_GUARDS = 28000,   /* each splits a mapping in two, and 65,530 is the default limit */
};

enum guard { GUARD_UNKNOWN, GUARD_MARKER, GUARD_MPROTECT, GUARD_NONE };

struct chunk {
    struct chunk *next; /* in `chunks`; constant */
    size_t size;        /* bytes mapped */
    char *slots;        /* the first slot */
    size_t slot_size;
    int count;          /* stacks */
    struct stack stacks[];
};

struct depot {
    struct spinlock lock;    /* protects all below */
    struct stack *hot;       /* newest first */
    struct stack *hot_last;
    size_t hot_count;
    size_t idle;             /* smallest hot_count since the last trim */
    struct stack *cold;
    int next_chunk;          /* stacks in the chunk to come */
};

static struct depot depots[STACK_CLASSES];
static _Atomic(struct chunk *) chunks; /* all; grows only */
static _Atomic int guard_kind;
static _Atomic int mprotect_guards;

int stack_class_for(size_t size)
{
    for (int class = 0; class < STACK_CLASSES; class++)
        if (size <= stack_class_promise(class))
            return class;
    return -1;
}

size_t stack_class_promise(int class)
{
    return (size_t)STACK_SMALLEST << class;
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static void guard_with_mprotect(char *page)
{
    if (atomic_fetch_add(&mprotect_guards, 1) >= MOST_MPROTECT_GUARDS ||
        os_calls.forbid(page, os_page_size()) != 0)
        atomic_store(&guard_kind, GUARD_NONE);
}

static void install_guard(char *page)
{
    int kind = atomic_load(&guard_kind);
    if (kind == GUARD_UNKNOWN || kind == GUARD_MARKER) {
        bool marked = os_calls.advise(page, os_page_size(), MADV_GUARD_INSTALL) == 0;
        kind = marked ? GUARD_MARKER : GUARD_MPROTECT;
        atomic_store(&guard_kind, kind);
    }
    if (kind == GUARD_MPROTECT)
        guard_with_mprotect(page);
}

static void init_stack(struct chunk *chunk, int i, int class)
{
    struct stack *stack = &chunk->stacks[i];
    char *slot = chunk->slots + i * chunk->slot_size;
    install_guard(slot);
    stack->class = (unsigned)class;
    stack->limit = slot + os_page_size();
    stack->top = slot + chunk->slot_size - (1 + i % COLOURS) * COLOUR_STEP;
    stack->sp = NULL;
    fiber_make(&stack->fiber, stack->limit, (size_t)(stack->top - stack->limit));
}

static void publish(struct chunk *chunk)
{
    chunk->next = atomic_load(&chunks);
    while (!atomic_compare_exchange_weak(&chunks, &chunk->next, chunk))
        ;
}

/* Maps a chunk of at most `count` stacks, fewer where memory is short. NULL if none can be had. */
static struct chunk *map_chunk(int class, int count)
{
    size_t page = os_page_size();
    size_t slot_size = page + round_up(stack_class_promise(class) + STACK_EXTRA, page);
    while (count > 1 && slot_size * (size_t)count > CHUNK_BYTES)
        count /= 2;
    for (; count > 0; count /= 2) {
        size_t head = round_up(sizeof(struct chunk) + (size_t)count * sizeof(struct stack), page);
        size_t size = head + (size_t)count * slot_size;
        struct chunk *chunk = os_calls.map(size);
        if (!chunk)
            continue;
        /* Huge pages would make a stack's first touch 2 MiB. A kernel without them refuses. */
        os_calls.advise(chunk, size, MADV_NOHUGEPAGE);
        chunk->size = size;
        chunk->slots = (char *)chunk + head;
        chunk->slot_size = slot_size;
        chunk->count = count;
        return chunk;
    }
    return NULL;
}

static bool add_chunk(int class)
{
    struct depot *depot = &depots[class];
    spin_lock(&depot->lock);
    int wanted = depot->next_chunk ? depot->next_chunk : FIRST_CHUNK;
    depot->next_chunk = wanted < LARGEST_CHUNK ? wanted * 2 : LARGEST_CHUNK;
    spin_unlock(&depot->lock);

    struct chunk *chunk = map_chunk(class, wanted);
    if (!chunk)
        return false;
    for (int i = 0; i < chunk->count; i++) {
        init_stack(chunk, i, class);
        chunk->stacks[i].next = i + 1 < chunk->count ? &chunk->stacks[i + 1] : NULL;
    }
    publish(chunk);
    spin_lock(&depot->lock);
    chunk->stacks[chunk->count - 1].next = depot->cold;
    depot->cold = &chunk->stacks[0];
    spin_unlock(&depot->lock);
    return true;
}

/* Lock held. */
static struct stack *take_hot(struct depot *depot)
{
    struct stack *stack = depot->hot;
    if (!stack)
        return NULL;
    depot->hot = stack->next;
    if (depot->hot)
        depot->hot->prev = NULL;
    else
        depot->hot_last = NULL;
    if (--depot->hot_count < depot->idle)
        depot->idle = depot->hot_count;
    return stack;
}

/* Lock held. */
static struct stack *take_cold(struct depot *depot)
{
    struct stack *stack = depot->cold;
    if (stack)
        depot->cold = stack->next;
    return stack;
}

static struct stack *take_some(struct depot *depot, int count)
{
    struct stack *list = NULL;
    spin_lock(&depot->lock);
    while (count-- > 0) {
        struct stack *stack = take_hot(depot);
        if (!stack && !list) /* a cold one only where none is at hand: each costs page faults */
            stack = take_cold(depot);
        if (!stack)
            break;
        stack->next = list;
        list = stack;
    }
    spin_unlock(&depot->lock);
    return list;
}

struct stack *stack_take(int class, int count)
{
    struct stack *list;
    while (!(list = take_some(&depots[class], count)))
        if (!add_chunk(class))
            return NULL;
    return list;
}

void stack_give(struct stack *list)
{
    while (list) {
        struct stack *stack = list;
        struct depot *depot = &depots[stack->class];
        list = stack->next;
        spin_lock(&depot->lock);
        stack->prev = NULL;
        stack->next = depot->hot;
        if (depot->hot)
            depot->hot->prev = stack;
        else
            depot->hot_last = stack;
        depot->hot = stack;
        depot->hot_count++;
        spin_unlock(&depot->lock);
    }
}

const struct stack *stack_guarding(const void *address)
{
    const char *at = address;
    for (struct chunk *chunk = atomic_load(&chunks); chunk; chunk = chunk->next) {
        if (at < chunk->slots || at >= (char *)chunk + chunk->size)
            continue;
        const struct stack *stack = &chunk->stacks[(size_t)(at - chunk->slots) / chunk->slot_size];
        return at < stack->limit ? stack : NULL;
    }
    return NULL;
}

/* Takes up to `most` stacks that lay unused off the far end of the hot list. */
static struct stack *take_idle(struct depot *depot, size_t most)
{
    struct stack *list = NULL;
    spin_lock(&depot->lock);
    while (depot->idle > 0 && most-- > 0) {
        struct stack *stack = depot->hot_last;
        depot->hot_last = stack->prev;
        if (depot->hot_last)
            depot->hot_last->next = NULL;
        else
            depot->hot = NULL;
        depot->hot_count--;
        depot->idle--;
        stack->next = list;
        list = stack;
    }
    spin_unlock(&depot->lock);
    return list;
}

static void put_cold(struct depot *depot, struct stack *list)
{
    while (list) {
        struct stack *stack = list;
        list = stack->next;
        size_t size = round_up((size_t)(stack->top - stack->limit), os_page_size());
        os_calls.advise(stack->limit, size, MADV_DONTNEED);
        stack->sp = NULL;
        spin_lock(&depot->lock);
        stack->next = depot->cold;
        depot->cold = stack;
        spin_unlock(&depot->lock);
    }
}

bool stack_trim(void)
{
    enum { BATCH = 64 };
    bool more = false;
    for (int class = 0; class < STACK_CLASSES; class++) {
        struct depot *depot = &depots[class];
        struct stack *list;
        while ((list = take_idle(depot, BATCH)))
            put_cold(depot, list);
        spin_lock(&depot->lock);
        depot->idle = depot->hot_count;
        more = more || depot->hot_count > 0;
        spin_unlock(&depot->lock);
    }
    return more;
}

uint64_t stack_resident_bytes(void)
{
    size_t page = os_page_size();
    uint64_t pages = 0;
    unsigned char *present = NULL;
    size_t room = 0;
    for (struct chunk *chunk = atomic_load(&chunks); chunk; chunk = chunk->next) {
        size_t count = (chunk->size - (size_t)(chunk->slots - (char *)chunk)) / page;
        if (count > room) {
            free(present);
            present = malloc(count);
            room = present ? count : 0;
        }
        if (!present || mincore(chunk->slots, count * page, present) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            pages += present[i] & 1;
    }
    free(present);
    return pages * page;
}

void stack_abandon(void)
{
    memset(depots, 0, sizeof depots);
}
