/*
 * Records.
 *
 * 1. Slabs of 2 MiB, aligned so, are cut from the system and never returned to it. A record is a
 *    record for ever: whoever holds an old pointer may read it and try its claim word.
 * 2. Threads exchange batches of RECORD_BATCH with the depot: the lock is taken once per batch.
 *    A cache keeps two batches (Bonwick's magazines), so that a program that takes and frees around
 *    a batch's edge does not go to the depot each time.
 * 3. A new record's sequence number is drawn from a counter of the process, each 2^29 waits from
 *    the last one's.
 */
#include "sched/record.h"
#include "base/os.h"
#include "base/spinlock.h"
#include <string.h>
#include <sys/mman.h>

enum { SLAB_SIZE = 2 << 20 };

struct slab {
    struct slab *next;        /* constant */
    _Atomic uint32_t cut;     /* records handed out, from the first on */
    _Alignas(CACHE_LINE) struct task records[];
};
enum { SLAB_RECORDS = (SLAB_SIZE - sizeof(struct slab)) / sizeof(struct task) };

static struct {
    struct spinlock lock;
    struct task *batches; /* the first record of each; batches are linked by join */
    struct task *loose;   /* the next batch, while it is not full */
    unsigned loose_count;
    bool growing;         /* somebody maps a slab: the others wait rather than map one, too */
} depot;

static _Atomic(struct slab *) slabs; /* newest first; grows only */
static _Atomic uint64_t claims_drawn;

/* The first of `count` numbers that no record has had. */
static uint64_t draw_claims(unsigned count)
{
    return atomic_fetch_add_explicit(&claims_drawn, count, memory_order_relaxed) << 32;
}

uint64_t record_first_claim(void)
{
    return draw_claims(1);
}

/* Maps SLAB_SIZE bytes, aligned to that. */
static void *map_slab(void)
{
    char *start = os_calls.map(2 * SLAB_SIZE);
    if (!start)
        return NULL;
    char *slab = (char *)(((uintptr_t)start + SLAB_SIZE - 1) & ~(uintptr_t)(SLAB_SIZE - 1));
    if (slab > start)
        os_calls.unmap(start, (size_t)(slab - start));
    if (slab + SLAB_SIZE < start + 2 * SLAB_SIZE)
        os_calls.unmap(slab + SLAB_SIZE, (size_t)(start + SLAB_SIZE - slab));
    return slab;
}

static bool add_slab(void)
{
    struct slab *slab = map_slab();
    if (!slab)
        return false;
    slab->next = atomic_load_explicit(&slabs, memory_order_relaxed);
    /* A program with that many tasks will fill a huge page; a small one should not pay for it. */
    if (slab->next)
        os_calls.advise(slab, SLAB_SIZE, MADV_HUGEPAGE);
    atomic_store_explicit(&slabs, slab, memory_order_release);
    return true;
}

/* Lock held. Cuts a batch, or what is left of the newest slab, into the cache, whose list it does
 * not make yet: those records are touched for the first time. */
static bool cut_some(struct record_cache *cache)
{
    /* acquire: pairs with the release in add_slab(), which holds no lock. */
    struct slab *slab = atomic_load_explicit(&slabs, memory_order_acquire);
    if (!slab)
        return false;
    uint32_t cut = atomic_load_explicit(&slab->cut, memory_order_relaxed);
    uint32_t count = SLAB_RECORDS - cut < RECORD_BATCH ? SLAB_RECORDS - cut : RECORD_BATCH;
    if (count == 0)
        return false;
    cache->loaded = &slab->records[cut];
    cache->count = count;
    atomic_store_explicit(&slab->cut, cut + count, memory_order_release);
    return true;
}

/* Makes the list of records that were just cut, the lowest first. */
static void link_new(struct record_cache *cache)
{
    struct task *record = cache->loaded;
    uint64_t claim = draw_claims(cache->count);
    for (unsigned i = 0; i < cache->count; i++) {
        atomic_store_explicit(&record[i].claim, claim + ((uint64_t)i << 32), memory_order_relaxed);
        record[i].next = i + 1 < cache->count ? &record[i + 1] : NULL;
    }
}

/* Lock held. */
static bool take_batch(struct record_cache *cache)
{
    struct task *first = depot.batches;
    if (!first)
        return false;
    depot.batches = (struct task *)atomic_load_explicit(&first->join, memory_order_relaxed);
    cache->loaded = first;
    cache->count = RECORD_BATCH;
    return true;
}

static bool refill_from_depot(struct record_cache *cache)
{
    for (;;) {
        struct backoff backoff = {0};
        spin_lock(&depot.lock);
        bool taken = take_batch(cache);
        bool cut = !taken && cut_some(cache);
        bool mine = !taken && !cut && !depot.growing;
        if (mine)
            depot.growing = true;
        spin_unlock(&depot.lock);
        if (cut)
            link_new(cache);
        if (taken || cut)
            return true;
        if (!mine) {
            backoff_pause(&backoff);
            continue;
        }
        bool grown = add_slab();
        spin_lock(&depot.lock);
        depot.growing = false;
        spin_unlock(&depot.lock);
        if (!grown)
            return false;
    }
}

struct task *record_refill(struct record_cache *cache)
{
    if (cache->spare) {
        cache->loaded = cache->spare;
        cache->count = RECORD_BATCH;
        cache->spare = NULL;
    } else if (!refill_from_depot(cache)) {
        return NULL;
    }
    return record_take(cache);
}

/* Lock held. */
static void add_batch(struct task *first)
{
    atomic_store_explicit(&first->join, (uintptr_t)depot.batches, memory_order_relaxed);
    depot.batches = first;
}

/* Lock held. */
static void add_loose(struct task *task)
{
    task->next = depot.loose;
    depot.loose = task;
    if (++depot.loose_count < RECORD_BATCH)
        return;
    add_batch(depot.loose);
    depot.loose = NULL;
    depot.loose_count = 0;
}

static void give_batch(struct task *first)
{
    spin_lock(&depot.lock);
    add_batch(first);
    spin_unlock(&depot.lock);
}

void record_flush_batch(struct record_cache *cache)
{
    if (cache->spare)
        give_batch(cache->spare);
    cache->spare = cache->loaded;
    cache->loaded = NULL;
    cache->count = 0;
}

void record_flush(struct record_cache *cache)
{
    if (cache->spare)
        give_batch(cache->spare);
    cache->spare = NULL;
    while (cache->loaded) {
        struct task *task = record_take(cache);
        spin_lock(&depot.lock);
        add_loose(task);
        spin_unlock(&depot.lock);
    }
}

void record_each(void (*visit)(struct task *task, void *context), void *context)
{
    struct slab *slab = atomic_load_explicit(&slabs, memory_order_acquire);
    for (; slab; slab = slab->next) {
        uint32_t cut = atomic_load_explicit(&slab->cut, memory_order_acquire);
        for (uint32_t i = 0; i < cut; i++)
            visit(&slab->records[i], context);
    }
}

void record_abandon(void)
{
    memset(&depot, 0, sizeof depot);
    atomic_store(&slabs, NULL);
}
