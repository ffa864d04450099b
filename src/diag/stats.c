/* Counters, summed when somebody asks. */
#include "sched/pool.h"
#include <bine/diag.h>
#include <string.h>

struct sum {
    bine_stats stats;
    struct pool_counts counts;
};

static void add_pool(struct bine_pool *pool, void *context)
{
    struct sum *sum = context;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    pool_add_counts(pool, &sum->counts);
    sum->stats.ready_tasks += RUNQ_READ(pool->queued);
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = pool_worker(pool, i);
        int state = atomic_load(&worker->state);
        sum->stats.ready_tasks += runq_count(&worker->runq);
        sum->stats.workers += state == WORKER_AWAKE || state == WORKER_ASLEEP;
    }
}

static void count_parked(struct task *task, void *context)
{
    bine_stats *stats = context;
    enum claim_state state =
        claim_state(atomic_load_explicit(&task->claim, memory_order_relaxed));
    if (task_has_started(task) && (state == CLAIM_WAITING || state == CLAIM_FIRM || state == CLAIM_SHELTERED))
        stats->parked_tasks++;
}

void bine_stats_get(bine_stats *stats, size_t size)
{
    struct sum sum = {0};
    pool_closed_counts(&sum.counts);
    pool_each(add_pool, &sum);
    record_each(count_parked, &sum.stats);
    sum.stats.started = sum.counts.started;
    sum.stats.ended = sum.counts.ended;
    sum.stats.switches = sum.counts.switches;
    sum.stats.steals = sum.counts.steals;
    sum.stats.parks = sum.counts.sleeps;
    sum.stats.compensated = sum.counts.compensated;
    sum.stats.stack_bytes = stack_resident_bytes();
    memset(stats, 0, size);
    memcpy(stats, &sum.stats, size < sizeof sum.stats ? size : sizeof sum.stats);
}
