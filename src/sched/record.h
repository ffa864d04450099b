/* Memory for task records: slabs that are never unmapped, and caches in front of them. */
#ifndef BINE_SCHED_RECORD_H
#define BINE_SCHED_RECORD_H

#include "sched/task.h"

enum { RECORD_BATCH = 64 };

/* A cache of free records that one thread uses. All-zero is empty. */
struct record_cache {
    struct task *loaded; /* free records */
    struct task *spare;  /* a full batch, or NULL */
    unsigned count;      /* in loaded */
};

/* Refills an empty cache and takes one; NULL when out of memory. */
struct task *record_refill(struct record_cache *cache);

/* Makes room in a full cache. */
void record_flush_batch(struct record_cache *cache);

/* Gives everything in the cache back. */
void record_flush(struct record_cache *cache);

/* A claim word whose sequence number no record has had. */
uint64_t record_first_claim(void);

/* Gives back memory of records that lay free since the call before. True if a later call may find
 * some. Reads all records in the depot: for when nobody waits for the caller. */
bool record_trim(void);

/* Calls visit on every record that has ever been cut, in use or not; for dumps. Any thread. */
void record_each(void (*visit)(struct task *task, void *context), void *context);

/* In the child of a fork: forgets all records but those in use. */
void record_abandon(void);

static inline struct task *record_take(struct record_cache *cache)
{
    struct task *task = cache->loaded;
    if (unlikely(!task))
        return record_refill(cache);
    cache->loaded = task->next;
    __builtin_prefetch(cache->loaded, 1);
    cache->count--;
    return task;
}

static inline void record_free(struct record_cache *cache, struct task *task)
{
    if (unlikely(cache->count == RECORD_BATCH))
        record_flush_batch(cache);
    task->next = cache->loaded;
    cache->loaded = task;
    cache->count++;
}

#endif
