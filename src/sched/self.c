/* What a task or plain thread may ask and set about itself. */
#include "sched/future.h"
#include "sched/park.h"
#include "sched/pool.h"
#include "time/clock.h"
#include <bine/task.h>
#include <sched.h>
#include <string.h>

uint64_t bine_id(void)
{
    return run_id(run_self());
}

void bine_yield(void)
{
    struct worker *worker = worker_self();
    if (likely(worker != NULL))
        worker_yield(worker);
    else
        sched_yield();
}

int bine_check(void)
{
    return run_check(run_self());
}

void bine_set_name(const char *name)
{
    run_self()->name = name;
}

void bine_pin(void)
{
    struct worker *worker = worker_self();
    if (!worker || worker->run->pins++ > 0)
        return;
    worker->run->home = worker;
    worker_count_pinned(worker, 1);
    atomic_fetch_or_explicit(&worker->run->task->marks, MARK_PINNED, memory_order_relaxed);
}

static void let_go(struct run *run)
{
    worker_count_pinned(run->home, -1);
    atomic_fetch_and_explicit(&run->task->marks, (uint8_t)~MARK_PINNED, memory_order_relaxed);
}

void bine_unpin(void)
{
    struct worker *worker = worker_self();
    if (!worker || worker->run->pins == 0 || --worker->run->pins > 0)
        return;
    let_go(worker->run);
}

void run_release_pins(struct run *run)
{
    run->pins = 0;
    let_go(run);
}

int *bine_errno_(void)
{
    extern int *__errno_location(void);
    return __errno_location();
}

double bine_word_to_double_(uintptr_t word)
{
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

float bine_word_to_float_(uintptr_t word)
{
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

bine_time bine_now(void)
{
    runtime_begin();
    return clock_now();
}

bine_time bine_after(bine_time span)
{
    bine_time now = bine_now();
    if (span <= 0)
        return now;
    return span > BINE_NEVER - now ? BINE_NEVER : now + span;
}
