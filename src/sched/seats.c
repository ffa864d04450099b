/*
 * Seats: who may run tasks, who sleeps, who is woken, started, replaced and dismissed.
 *
 *              pool_replace()                pool_take_seat()
 *    seated -------------------> stuck ---------------------------> seated
 *     ^  |  the monitor found       |  no seat is free
 *     |  |  it in a long task       v
 *     |  `-----------------------> spare ---- 10 s without use ---> ended
 *     |   lost it to one who         |
 *     |   came back, while asleep    |
 *     `------------------------------'  pool_wake(), pool_replace() need one
 *
 * 1. pool->seated is the number of seats that are taken: those of workers with `seated` set, and
 *    those for which a thread is being started. It is above seats_count only for workers with
 *    pinned tasks that found no seat; theirs are `extra` and have no bit in seat_taken.
 * 2. A worker is in `sleepers` or `spares` only between pool_lie_down() and pool_get_up(), and who
 *    takes it out wakes it.
 */
#define _GNU_SOURCE /* pthread_tryjoin_np */
#include "sched/cpus.h"
#include "sched/fatal.h"
#include "sched/pick.h"
#include "sched/pool.h"
#include "stack/overflow.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Protects the starting and joining of threads. */
static pthread_mutex_t thread_mutex = PTHREAD_MUTEX_INITIALIZER;

enum {
    NO_SEAT = -1,
    SHARE_NS = 100000, /* a mean run that is worth the time others would have to wait for theirs */
};

/* Seats lock held. The number of a seat that is now the caller's to fill, or NO_SEAT. */
static int take_free_seat(struct bine_pool *pool)
{
    for (unsigned seat = 0; seat < pool->seats_count; seat++) {
        uint64_t bit = UINT64_C(1) << seat % 64;
        if (pool->seat_taken[seat / 64] & bit)
            continue;
        pool->seat_taken[seat / 64] |= bit;
        atomic_fetch_add_explicit(&pool->seated, 1, memory_order_relaxed);
        return (int)seat;
    }
    return NO_SEAT;
}

/* Seats lock held. */
static void free_seat(struct bine_pool *pool, int seat)
{
    pool->seat_taken[seat / 64] &= ~(UINT64_C(1) << seat % 64);
    atomic_fetch_sub_explicit(&pool->seated, 1, memory_order_relaxed);
}

/* Seats lock held. */
static void sit_down(struct worker *worker, int seat)
{
    worker->seat = (unsigned)seat;
    atomic_store_explicit(&worker->seated, true, memory_order_release);
}

/* Seats lock held. Returns the seat, which is the caller's to fill or free. */
static int stand_up(struct worker *worker)
{
    atomic_store_explicit(&worker->seated, false, memory_order_release);
    return (int)worker->seat;
}

/* Seats lock held. */
static struct worker *pop(struct worker **list)
{
    struct worker *worker = *list;
    if (worker)
        *list = worker->next_asleep;
    return worker;
}

/* Seats lock held. False if it is not in the list. */
static bool unlink_worker(struct worker **list, struct worker *worker)
{
    for (; *list; list = &(*list)->next_asleep)
        if (*list == worker) {
            *list = worker->next_asleep;
            return true;
        }
    return false;
}

/* Seats lock held: the worker, just taken out of a list, will search. */
static void count_as_searching(struct bine_pool *pool, struct worker *worker)
{
    atomic_fetch_add_explicit(&pool->searching, 1, memory_order_relaxed);
    worker->counted = true;
}

static struct worker *make_worker(struct bine_pool *pool, unsigned index)
{
    struct worker *worker = NULL;
    size_t size = sizeof *worker + OVERFLOW_STACK_SIZE;
    if (posix_memalign((void **)&worker, CACHE_LINE, size) != 0)
        return NULL;
    memset(worker, 0, sizeof *worker);
    if (runq_init(&worker->runq) != 0) {
        free(worker);
        return NULL;
    }
    timers_init(&worker->timers);
    worker->pool = pool;
    worker->pool_bits = (uint64_t)pool->number << TASK_POOL_SHIFT;
    worker->index = index;
    worker->hand = HAND_CLOSED;
    worker->syscall_fd = -1;
    return worker;
}

/* Thread mutex held. One that has ended for us may still run destructors of the program's
 * thread-local data, which may call bine: nobody waits for that with a lock held. */
static void join_if_ended(struct worker *worker)
{
    if (atomic_load(&worker->state) == WORKER_ENDED && pthread_tryjoin_np(worker->thread, NULL) == 0)
        atomic_store(&worker->state, WORKER_NONE);
}

void pool_reap(struct worker *worker)
{
    pthread_mutex_lock(&thread_mutex);
    join_if_ended(worker);
    pthread_mutex_unlock(&thread_mutex);
}

/* Thread mutex held. A place without a thread, or NULL. */
static struct worker *find_place(struct bine_pool *pool)
{
    unsigned count = atomic_load(&pool->worker_count);
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = pool_worker(pool, i);
        join_if_ended(worker);
        if (atomic_load(&worker->state) == WORKER_NONE)
            return worker;
    }
    if (count == pool->seats_count + MOST_SPARES)
        return NULL;
    struct worker *worker = make_worker(pool, count);
    if (worker) {
        ((struct worker *_Atomic *)pool->worker)[count] = worker;
        atomic_store_explicit(&pool->worker_count, count + 1, memory_order_release);
    }
    return worker;
}

/* Starts a thread for a seat that the caller has taken. 0; or -ENOMEM, -EAGAIN, -ECANCELED (the pool
 * is closing) and the seat is still the caller's. */
static int start_worker(struct bine_pool *pool, int seat)
{
    pthread_mutex_lock(&thread_mutex);
    bool stopping = atomic_load(&pool->stopping);
    struct worker *worker = stopping ? NULL : find_place(pool);
    int error = worker ? 0 : stopping ? -ECANCELED : -ENOMEM;
    if (worker) {
        spin_lock(&pool->seats);
        sit_down(worker, seat);
        count_as_searching(pool, worker);
        spin_unlock(&pool->seats);
        atomic_store(&worker->state, WORKER_AWAKE);
        error = worker_start(worker);
    }
    if (worker && error) {
        spin_lock(&pool->seats);
        stand_up(worker);
        worker->counted = false;
        atomic_fetch_sub(&pool->searching, 1);
        spin_unlock(&pool->seats);
        atomic_store(&worker->state, WORKER_NONE);
    }
    pthread_mutex_unlock(&thread_mutex);
    return error;
}

static void say_short(struct bine_pool *pool, int error)
{
    if (error != -ECANCELED && !atomic_exchange(&pool->said_short, true))
        say("pool '%s' cannot start another thread (%s): it goes on with %u of %u workers",
            pool->name, strerror(-error), atomic_load(&pool->seated), pool->seats_count);
}

/* Fills a seat that the caller has taken, by a spare if there is one. */
static int fill_seat(struct bine_pool *pool, int seat)
{
    spin_lock(&pool->seats);
    struct worker *spare = pop(&pool->spares);
    if (spare) {
        sit_down(spare, seat);
        count_as_searching(pool, spare);
    }
    spin_unlock(&pool->seats);
    if (spare) {
        worker_rouse(spare);
        return 0;
    }
    return start_worker(pool, seat);
}

int pool_start(struct bine_pool *pool)
{
    spin_lock(&pool->seats);
    int seat = take_free_seat(pool);
    spin_unlock(&pool->seats);
    return fill_seat(pool, seat);
}

/* Seats lock held. A sleeper, taken out of their list to be roused; NULL: nobody sleeps. */
static struct worker *pop_sleeper(struct bine_pool *pool)
{
    struct worker *worker = pop(&pool->sleepers);
    if (worker) {
        atomic_fetch_sub_explicit(&pool->asleep, 1, memory_order_relaxed);
        count_as_searching(pool, worker);
    }
    return worker;
}

/* No thread could be started; but while it was tried, the worker to be was counted as searching. */
static void do_without(struct bine_pool *pool, int error)
{
    say_short(pool, error);
    atomic_thread_fence(memory_order_seq_cst);
    if (RUNQ_READ(pool->queued) > 0 && atomic_load(&pool->asleep) > 0)
        pool_wake(pool);
}

void pool_wake(struct bine_pool *pool)
{
    spin_lock(&pool->seats);
    struct worker *worker = pop_sleeper(pool);
    int seat = worker ? NO_SEAT : take_free_seat(pool);
    spin_unlock(&pool->seats);
    if (worker)
        worker_rouse(worker);
    int error = seat == NO_SEAT ? 0 : fill_seat(pool, seat);
    if (!error)
        return;
    spin_lock(&pool->seats);
    free_seat(pool, seat);
    spin_unlock(&pool->seats);
    do_without(pool, error);
}

/* No spare could be had for the seat of `stuck`, who may have gone on meanwhile: found another seat,
 * lain down as a spare, or even ended, where it took that long. */
static void give_seat_back(struct bine_pool *pool, struct worker *stuck, int seat)
{
    spin_lock(&pool->seats);
    bool lay = false;
    if (atomic_load_explicit(&stuck->seated, memory_order_relaxed) ||
        atomic_load_explicit(&stuck->state, memory_order_relaxed) == WORKER_ENDED) {
        free_seat(pool, seat);
    } else {
        lay = unlink_worker(&pool->spares, stuck);
        sit_down(stuck, seat);
    }
    spin_unlock(&pool->seats);
    if (lay)
        worker_rouse(stuck);
}

/* For short runs a worker more is woken only where it finds a processor. Where there is none it would
 * take turns with a worker that could do its work, or with the very program whose requests it serves: all
 * would be slower, and what is queued at the one that does not run waits for milliseconds. A pool that
 * was given more workers than the machine has processors is meant to take turns. */
static bool has_room(const struct bine_pool *pool, unsigned awake)
{
    return awake < cpus_left() || pool->seats_count > cpus_online();
}

bool pool_can_use_another(const struct bine_pool *pool, int64_t mean_run)
{
    if (atomic_load_explicit(&pool->searching, memory_order_relaxed) > 0)
        return false;
    unsigned asleep = atomic_load_explicit(&pool->asleep, memory_order_relaxed);
    unsigned seated = atomic_load_explicit(&pool->seated, memory_order_relaxed);
    return (asleep > 0 || seated < pool->seats_count) &&
           (mean_run > SHARE_NS || has_room(pool, seated - asleep));
}

void pool_replace(struct bine_pool *pool, struct worker *stuck)
{
    spin_lock(&pool->seats);
    bool seated = atomic_load_explicit(&stuck->seated, memory_order_relaxed) && !stuck->extra;
    int seat = seated ? stand_up(stuck) : NO_SEAT;
    spin_unlock(&pool->seats);
    if (!seated)
        return;
    int error = fill_seat(pool, seat);
    if (error) {
        give_seat_back(pool, stuck, seat);
        do_without(pool, error);
        return;
    }
    atomic_fetch_add_explicit(&pool->compensated, 1, memory_order_relaxed);
    worker_call(stuck);
}

/* Seats lock held. A worker with a seat that can do without its thread for now. */
static struct worker *find_movable(struct bine_pool *pool)
{
    unsigned count = atomic_load(&pool->worker_count);
    for (unsigned i = count; i-- > 0;) {
        struct worker *other = pool_worker(pool, i);
        if (atomic_load(&other->seated) && !other->extra && !other->counted &&
            atomic_load(&other->pinned) == 0)
            return other;
    }
    return NULL;
}

/* Seats lock held. One that sleeps on a seat of the pool's own. */
static struct worker *find_sleeper(struct bine_pool *pool)
{
    struct worker *worker = pool->sleepers;
    while (worker && worker->extra)
        worker = worker->next_asleep;
    return worker;
}

/* Seats lock held. Gives the worker a seat; *loser is the one who lost it, to be told. */
static bool find_seat(struct bine_pool *pool, struct worker *worker, struct worker **loser)
{
    bool pinned = atomic_load(&worker->pinned) > 0;
    int seat = take_free_seat(pool);
    if (seat == NO_SEAT && (*loser = find_sleeper(pool))) {
        unlink_worker(&pool->sleepers, *loser);
        atomic_fetch_sub_explicit(&pool->asleep, 1, memory_order_relaxed);
        seat = stand_up(*loser);
    } else if (seat == NO_SEAT && pinned && (*loser = find_movable(pool))) {
        seat = stand_up(*loser);
    } else if (seat == NO_SEAT && pinned) {
        worker->extra = true;
        atomic_fetch_add_explicit(&pool->seated, 1, memory_order_relaxed);
        seat = (int)worker->seat;
    }
    if (seat != NO_SEAT)
        sit_down(worker, seat);
    return seat != NO_SEAT;
}

bool pool_take_seat(struct bine_pool *pool, struct worker *worker)
{
    struct worker *loser = NULL;
    spin_lock(&pool->seats);
    bool found = find_seat(pool, worker, &loser);
    spin_unlock(&pool->seats);
    if (loser) {
        worker_call(loser);
        worker_rouse(loser);
    }
    return found;
}

void pool_leave_extra_seat(struct bine_pool *pool, struct worker *worker)
{
    spin_lock(&pool->seats);
    if (worker->extra) {
        worker->extra = false;
        stand_up(worker);
        atomic_fetch_sub_explicit(&pool->seated, 1, memory_order_relaxed);
    }
    spin_unlock(&pool->seats);
    worker_call(worker);
}

void pool_lie_down(struct bine_pool *pool, struct worker *worker)
{
    spin_lock(&pool->seats);
    struct worker **list = &pool->spares;
    if (atomic_load_explicit(&worker->seated, memory_order_relaxed)) {
        list = &pool->sleepers;
        atomic_fetch_add_explicit(&pool->asleep, 1, memory_order_relaxed);
    }
    worker->next_asleep = *list;
    *list = worker;
    atomic_store_explicit(&worker->state, WORKER_ASLEEP, memory_order_seq_cst);
    spin_unlock(&pool->seats);
}

bool pool_come_in(struct bine_pool *pool, struct worker *worker)
{
    spin_lock(&pool->seats);
    bool counted = worker->counted;
    worker->counted = false;
    spin_unlock(&pool->seats);
    return counted;
}

bool pool_get_up(struct bine_pool *pool, struct worker *worker)
{
    spin_lock(&pool->seats);
    if (unlink_worker(&pool->sleepers, worker))
        atomic_fetch_sub_explicit(&pool->asleep, 1, memory_order_relaxed);
    else
        unlink_worker(&pool->spares, worker);
    bool counted = worker->counted;
    worker->counted = false;
    atomic_store_explicit(&worker->state, WORKER_AWAKE, memory_order_seq_cst);
    spin_unlock(&pool->seats);
    return counted;
}

bool pool_dismiss(struct bine_pool *pool, struct worker *worker)
{
    spin_lock(&pool->seats);
    bool idle = !atomic_load_explicit(&worker->seated, memory_order_relaxed) &&
                timers_earliest(&worker->timers) == BINE_NEVER && runq_count(&worker->runq) == 0 &&
                atomic_load(&worker->pinned) == 0 && !RUNQ_READ(worker->inbox);
    if (idle)
        atomic_store_explicit(&worker->state, WORKER_ENDED, memory_order_seq_cst);
    spin_unlock(&pool->seats);
    if (idle)
        pool_see_to_queue(pool); /* as one that lies down: it may have lost its seat in a search */
    return idle;
}

void pool_worker_gone(struct bine_pool *pool, struct worker *worker)
{
    (void)pool;
    atomic_store_explicit(&worker->state, WORKER_ENDED, memory_order_release);
}

static void free_worker(struct worker *worker)
{
    timers_destroy(&worker->timers);
    free(worker->runq.fresh);
    free(worker->deque);
    free(worker);
}

void pool_stop(struct bine_pool *pool)
{
    /* Once this is done no thread is being started, nor will be. */
    pthread_mutex_lock(&thread_mutex);
    atomic_store(&pool->stopping, true);
    unsigned count = atomic_load(&pool->worker_count);
    pthread_mutex_unlock(&thread_mutex);
    for (unsigned i = 0; i < count; i++) {
        worker_call(pool_worker(pool, i));
        worker_rouse(pool_worker(pool, i));
    }
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&pool_worker(pool, i)->state) != WORKER_NONE)
            pthread_join(pool_worker(pool, i)->thread, NULL);
    /* Only now, for they look at each other's queues. */
    for (unsigned i = 0; i < count; i++)
        free_worker(pool_worker(pool, i));
}

void workers_abandon(struct bine_pool *pool)
{
    unsigned count = atomic_load(&pool->worker_count);
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = pool_worker(pool, i);
        if (worker->syscall_fd >= 0)
            close(worker->syscall_fd);
    }
    pthread_mutex_init(&thread_mutex, NULL);
}
