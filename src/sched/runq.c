/*
 * The owner's queues and the thief's way in.
 *
 * 1. Whoever changes the queues is alone: the owner with busy set and WANT_LOCKED seen clear, or
 *    the one thief who set WANT_LOCKED and then saw busy clear.
 * 2. The owner stores busy, then reads want; the thief stores want, then (membarrier) reads busy.
 *    The membarrier runs a full fence on every processor that runs a thread of this process, so of
 *    the two one sees the other although the owner has no fence: Dekker's algorithm with the cost
 *    moved to the rare side.
 * 3. One thief at a time has his loot in `asker`. Whoever clears WANT_ASKED, owner by answering or
 *    that thief by turning it into WANT_LOCKED, fills it. A thief whose question was answered while
 *    he lost patience may find the next thief's there, and leaves it: it has another number.
 * tests/model_rob.c tries all interleavings.
 *
 * Asking first, because a membarrier costs the thief 10 to 17 us and interrupts a running owner for
 * 7 to 10, while an owner that is between two tasks answers in a microsecond. Rejected: Chase-Lev
 * deques. Their pop has a fence, 6.5 ns each, and there are four queues to keep.
 */
#include "sched/runq.h"
#include "base/os.h"
#include "time/clock.h"
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FIRST_FRESH = 256,        /* room for fresh tasks at first; a power of two */
    HUGE_PAGE = 2 << 20,      /* bytes */
    ANSWER_NS = 3000,         /* how long a thief waits for an answer */
    STANDSTILL_NS = 5000,     /* without a pick: a slot may be taken */
    PATIENCE_NS = 50000,      /* how long a thief waits for an owner that is inside */
};

bool runq_by_membarrier;

static int membarrier(int command)
{
    return (int)syscall(SYS_membarrier, command, 0, 0);
}

void runq_setup(void)
{
#if !defined(BINE_TSAN) /* which does not know what a membarrier orders */
    runq_by_membarrier = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
                         membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
#endif
}

int runq_init(struct runq *runq)
{
    memset(runq, 0, sizeof *runq);
    runq->fresh = malloc(FIRST_FRESH * sizeof *runq->fresh);
    if (!runq->fresh)
        return -ENOMEM;
    runq->fresh_mask = FIRST_FRESH - 1;
    runq->fresh_easy = FIRST_FRESH;
    RUNQ_WRITE(runq->want, runq_by_membarrier ? 0 : WANT_LOCK);
    return 0;
}

/* Owner, outside. `size` is a power of two, no smaller than it was. */
static void move_fresh(struct runq *runq, struct task **fresh, uint32_t size)
{
    runq_enter(runq);
    uint32_t count = runq_fresh_count(runq), head = RUNQ_READ(runq->fresh_head);
    struct task **old = runq->fresh;
    for (uint32_t i = 0; i < count; i++)
        fresh[i] = old[(head + i) & runq->fresh_mask];
    RUNQ_WRITE(runq->fresh_head, 0);
    RUNQ_WRITE(runq->fresh_tail, count);
    runq->fresh = fresh;
    runq->fresh_mask = size - 1;
    runq_leave(runq);
    free(old);
}

/* Room for so many. A big one in huge pages: touched page by page for the first time, 4 MiB take the
 * owner 2 ms, and he would count as stuck. */
static struct task **allocate(size_t count)
{
    size_t size = count * sizeof(struct task *);
    if (size < HUGE_PAGE)
        return malloc(size);
    struct task **fresh = aligned_alloc(HUGE_PAGE, size);
    if (fresh)
        os_calls.advise(fresh, size, MADV_HUGEPAGE);
    return fresh;
}

int runq_grow(struct runq *runq)
{
    size_t size = ((size_t)runq->fresh_mask + 1) * 2;
    struct task **fresh = size <= UINT32_MAX / 2 ? allocate(size) : NULL;
    if (!fresh)
        return -ENOMEM;
    move_fresh(runq, fresh, (uint32_t)size);
    return 0;
}

/* Alone inside. Moves the older half of the ready tasks, else of the fresh ones, to the loot. */
static int give_half(struct runq *runq, struct loot *loot)
{
    uint32_t ready = runq_ready_count(runq), fresh = runq_fresh_count(runq);
    uint32_t count = ready ? (ready + 1) / 2 : (fresh + 1) / 2;
    if (count > MOST_STOLEN)
        count = MOST_STOLEN;
    loot->fresh = ready == 0;
    for (uint32_t i = 0; i < count; i++)
        loot->task[i] = ready ? runq_pop_ready(runq) : runq_pop_oldest_fresh(runq);
    return (int)count;
}

void runq_answer(struct runq *runq)
{
    uint32_t want;
    while ((want = atomic_load_explicit(&runq->want, memory_order_acquire)) & WANT_AT_ENTRY) {
        if (want & WANT_LOCK) {
            spin_lock(&runq->lock);
            return;
        }
        if (want & WANT_LOCKED) {
            atomic_store_explicit(&runq->busy, 0, memory_order_release);
            while (atomic_load_explicit(&runq->want, memory_order_relaxed) & WANT_LOCKED)
                cpu_relax();
            RUNQ_WRITE(runq->busy, 1);
            atomic_signal_fence(memory_order_seq_cst); /* as in runq_enter() */
            continue;
        }
        want = atomic_fetch_and_explicit(&runq->want, ~(uint32_t)WANT_ASKED, memory_order_acquire);
        if (!(want & WANT_ASKED))
            continue; /* the thief has lost patience */
        struct loot *loot = atomic_load_explicit(&runq->asker, memory_order_relaxed);
        int count = give_half(runq, loot);
        atomic_store_explicit(&runq->asker, NULL, memory_order_relaxed);
        /* release: pairs with the acquire in answered(); from here on the loot is the thief's. */
        atomic_store_explicit(&loot->count, count, memory_order_release);
    }
}

static bool answered(const struct loot *loot)
{
    return atomic_load_explicit(&loot->count, memory_order_acquire) >= 0;
}

static bool wait_for_answer(const struct loot *loot)
{
    int64_t end = clock_now() + ANSWER_NS;
    do {
        if (answered(loot))
            return true;
        cpu_relax();
    } while (clock_now() < end);
    return false;
}

/* True if the owner picked nothing for as long as a slot is safe from thieves. */
static bool stands_still(const struct runq *runq)
{
    uint32_t picks = RUNQ_READ(runq->picks);
    int64_t end = clock_now() + STANDSTILL_NS;
    do {
        cpu_relax();
        if (RUNQ_READ(runq->picks) != picks)
            return false;
    } while (clock_now() < end);
    return true;
}

/* Asks; returns the question's number. */
static uint32_t ask(struct runq *runq)
{
    uint32_t want = RUNQ_READ(runq->want), asked;
    do
        asked = (want + WANT_NUMBER) | WANT_ASKED;
    /* release: what is in the loot and in asker comes before the question. */
    while (!atomic_compare_exchange_weak_explicit(&runq->want, &want, asked, memory_order_release,
                                                  memory_order_relaxed));
    return asked / WANT_NUMBER;
}

/* Turns the question into a lock; false if the owner has answered or is about to, after all. */
static bool lock_instead(struct runq *runq, uint32_t number)
{
    uint32_t want = RUNQ_READ(runq->want);
    while ((want & WANT_ASKED) && want / WANT_NUMBER == number)
        if (atomic_compare_exchange_weak_explicit(
                &runq->want, &want, (want & ~(uint32_t)WANT_ASKED) | WANT_LOCKED,
                memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

/* WANT_LOCKED is set by the caller. True once the owner is out; then it stays out. */
static bool keep_out(struct runq *runq)
{
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    int64_t end = clock_now() + PATIENCE_NS;
    /* acquire: pairs with the release in runq_leave(). */
    while (atomic_load_explicit(&runq->busy, memory_order_acquire)) {
        if (clock_now() >= end)
            return false; /* it lost its processor inside */
        cpu_relax();
    }
    return true;
}

static void let_in(struct runq *runq)
{
    /* release: pairs with the acquire in runq_enter(). First this: as long as our loot stands in
     * asker no other thief can ask, and take our lock for his. */
    atomic_fetch_and_explicit(&runq->want, ~(uint32_t)WANT_LOCKED, memory_order_release);
    atomic_store_explicit(&runq->asker, NULL, memory_order_release);
}

/* Alone inside. */
static int take_half_or_slot(struct runq *runq, struct loot *loot, bool slot_too)
{
    int count = give_half(runq, loot);
    if (count == 0 && slot_too && (loot->task[0] = runq_pop_slot(runq))) {
        loot->fresh = false;
        count = 1;
    }
    return count;
}

static int rob_with_lock(struct runq *victim, struct loot *loot, bool slot_too)
{
    int64_t end = clock_now() + PATIENCE_NS;
    while (!spin_try_lock(&victim->lock)) {
        if (clock_now() >= end)
            return 0;
        cpu_relax();
    }
    int count = take_half_or_slot(victim, loot, slot_too);
    spin_unlock(&victim->lock);
    return count;
}

int runq_rob(struct runq *victim, struct loot *loot)
{
    bool slot_only = runq_ready_count(victim) + runq_fresh_count(victim) == 0;
    if (slot_only && (!RUNQ_READ(victim->slot) || !stands_still(victim)))
        return 0;
    if (!runq_by_membarrier)
        return rob_with_lock(victim, loot, slot_only);

    struct loot *nobody = NULL;
    atomic_store_explicit(&loot->count, -1, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&victim->asker, &nobody, loot,
                                                 memory_order_relaxed, memory_order_relaxed))
        return 0;
    uint32_t number = ask(victim);
    if ((slot_only || !wait_for_answer(loot)) && lock_instead(victim, number)) {
        int count = keep_out(victim) ? take_half_or_slot(victim, loot, slot_only) : 0;
        let_in(victim);
        return count;
    }
    while (!answered(loot)) /* it has begun to */
        cpu_relax();
    return atomic_load_explicit(&loot->count, memory_order_relaxed);
}
