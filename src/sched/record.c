/*
 * Records.
 *
 * 1. Slabs of 2 MiB, aligned so, are mapped and never unmapped. A record is a record for ever:
 *    whoever holds an old pointer may read it and try its claim word. Where all records of a slab lie
 *    free in the depot its memory is given back, and they become zero, which is nobody's claim; it is
 *    cut anew when there is need.
 * 2. Threads exchange batches of RECORD_BATCH with the depot: the lock is taken once per batch.
 *    A cache keeps two batches (Bonwick's magazines), so that a program that takes and frees around
 *    a batch's edge does not go to the depot each time.
 * 3. A new record's sequence number is drawn from a counter of the process, each 2^29 waits from
 *    the last one's. The first is above zero.
 */
#include "sched/record.h"
#include "base/os.h"
#include "base/spinlock.h"
#include <string.h>
#include <sys/mman.h>

enum { SLAB_SIZE = 2 << 20 };

struct slab {
    struct slab *next;        /* constant */
    _Atomic uint32_t cut;     /* records handed out, from the first on; written with depot.lock held */
    uint32_t free;            /* those found in the depot; only record_trim() touches it */
    struct slab *next_empty;  /* in depot.empty */
    _Alignas(CACHE_LINE) struct task records[];
};
enum {
    SLAB_RECORDS = (SLAB_SIZE - sizeof(struct slab)) / sizeof(struct task),
    BATCHES_IN_SLAB = SLAB_RECORDS / RECORD_BATCH,
};

static struct {
    struct spinlock lock;
    struct task *batches; /* the first record of each; batches are linked by join */
    struct task *loose;   /* the next batch, while it is not full */
    unsigned loose_count;
    unsigned batch_count, least_batches; /* and the fewest since the last trim */
    struct slab *cutting; /* where records are cut from; NULL: nowhere yet */
    struct slab *empty;   /* of which nothing is cut, linked by next_empty */
    bool growing;         /* somebody maps a slab: the others wait rather than map one, too */
} depot;

static _Atomic(struct slab *) slabs; /* newest first; grows only */
static _Atomic uint64_t claims_drawn = 1;

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
    /* release: pairs with the acquire in record_each(). */
    atomic_store_explicit(&slabs, slab, memory_order_release);
    spin_lock(&depot.lock);
    slab->next_empty = depot.empty;
    depot.empty = slab;
    spin_unlock(&depot.lock);
    return true;
}

/* Lock held. Cuts a batch, or what is left of the slab, into the cache, whose list it does not make
 * yet: those records are touched for the first time. False if there is nothing to cut. */
static bool cut_some(struct record_cache *cache)
{
    struct slab *slab = depot.cutting;
    uint32_t cut = slab ? atomic_load_explicit(&slab->cut, memory_order_relaxed) : SLAB_RECORDS;
    if (cut == SLAB_RECORDS) {
        depot.cutting = slab = depot.empty;
        if (!slab)
            return false;
        depot.empty = slab->next_empty;
        cut = 0;
    }
    uint32_t count = SLAB_RECORDS - cut < RECORD_BATCH ? SLAB_RECORDS - cut : RECORD_BATCH;
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

static struct task *next_batch(const struct task *first)
{
    return (struct task *)atomic_load_explicit(&first->join, memory_order_relaxed);
}

/* Lock held. */
static bool take_batch(struct record_cache *cache)
{
    struct task *first = depot.batches;
    if (!first)
        return false;
    depot.batches = next_batch(first);
    if (--depot.batch_count < depot.least_batches)
        depot.least_batches = depot.batch_count;
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
    depot.batch_count++;
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

/* --- giving back --- */

static struct slab *slab_of(const struct task *record)
{
    return (struct slab *)((uintptr_t)record & ~(uintptr_t)(SLAB_SIZE - 1));
}

/* Takes all full batches out of the depot. */
static struct task *take_all(void)
{
    spin_lock(&depot.lock);
    struct task *batches = depot.batches;
    depot.batches = NULL;
    depot.batch_count = depot.least_batches = 0;
    spin_unlock(&depot.lock);
    return batches;
}

static void count_free(const struct task *batches)
{
    for (const struct task *first = batches; first; first = next_batch(first))
        for (const struct task *record = first; record; record = record->next)
            slab_of(record)->free++;
}

/* The slab has been cut to its end, and all of it is in the batches that were taken out. */
static bool is_wholly_free(const struct slab *slab)
{
    return slab->free == SLAB_RECORDS;
}

/* Puts the records back whose slabs are in use. The others are in no list any more. */
static void put_back_used(struct task *batches)
{
    struct task *next;
    for (struct task *first = batches; first; first = next) {
        next = next_batch(first);
        spin_lock(&depot.lock);
        for (struct task *record = first, *after; record; record = after) {
            after = record->next;
            if (!is_wholly_free(slab_of(record)))
                add_loose(record);
        }
        spin_unlock(&depot.lock);
    }
}

/* All but the first page, where the slab knows itself. */
static void give_back(struct slab *slab)
{
    size_t page = os_page_size();
    os_calls.advise((char *)slab + page, SLAB_SIZE - page, MADV_DONTNEED);
    spin_lock(&depot.lock);
    atomic_store_explicit(&slab->cut, 0, memory_order_relaxed);
    slab->next_empty = depot.empty;
    depot.empty = slab;
    spin_unlock(&depot.lock);
}

bool record_trim(void)
{
    spin_lock(&depot.lock);
    bool some = depot.batch_count >= BATCHES_IN_SLAB;
    bool idle = depot.least_batches >= BATCHES_IN_SLAB;
    depot.least_batches = depot.batch_count;
    spin_unlock(&depot.lock);
    if (!idle)
        return some;
    struct task *batches = take_all();
    count_free(batches);
    put_back_used(batches);
    for (struct slab *slab = atomic_load(&slabs); slab; slab = slab->next) {
        if (is_wholly_free(slab))
            give_back(slab);
        slab->free = 0;
    }
    return false;
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
