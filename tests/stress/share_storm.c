/*
 * Read-write locks, semaphores, conditions, barriers and onces under a storm of tasks and plain
 * threads that give up and are cancelled: what the locks guard stays whole, permits and tokens are
 * those that there were, no wake-up is lost, and objects in the frames of their users are left
 * alone once these have them back.
 */
#include "../test_support/storm.h"

enum { ACTORS = 16, LOCKS = 3, SEMS = 2, PERMITS = 5, STEPS = 40, POISON = 0x5a };

static _Atomic long done, gave_up;

/* --- read-write locks --- */

static struct {
    bine_rwlock lock;
    _Atomic int readers, writers;
    long left, right; /* guarded by lock; together 0 */
} scales[LOCKS];

static int lock_scales(int i, bool writes, uint64_t *state)
{
    if (test_random_below(state, 3)) {
        bine_time deadline = storm_deadline(state);
        return writes ? bine_write_lock_until(&scales[i].lock, deadline)
                      : bine_read_lock_until(&scales[i].lock, deadline);
    }
    (writes ? bine_write_lock : bine_read_lock)(&scales[i].lock);
    return 0;
}

static void weigh(uint64_t *state)
{
    int i = (int)test_random_below(state, LOCKS);
    bool writes = test_random_below(state, 4) == 0;
    int result = lock_scales(i, writes, state);
    storm_check_result(result);
    if (result) {
        gave_up++;
        return;
    }
    *(writes ? &scales[i].writers : &scales[i].readers) += 1;
    CHECK_EQ(scales[i].writers, writes);
    CHECK(!writes || scales[i].readers == 0);
    CHECK_EQ(scales[i].left + scales[i].right, 0);
    if (writes)
        scales[i].left++;
    storm_shift(state);
    if (test_random_below(state, 50) == 0)
        storm_check_result(bine_sleep((bine_time)test_random_below(state, 30000)));
    if (writes)
        scales[i].right--;
    *(writes ? &scales[i].writers : &scales[i].readers) -= 1;
    (writes ? bine_write_unlock : bine_read_unlock)(&scales[i].lock);
    done++;
}

/* --- semaphores --- */

static struct {
    bine_sem sem;
    _Atomic int out;
} pots[SEMS];

static void borrow(uint64_t *state)
{
    int i = (int)test_random_below(state, SEMS);
    int permits = (int)test_random_below(state, PERMITS) + 1;
    bine_time deadline = test_random_below(state, 3) ? storm_deadline(state) : BINE_NEVER;
    int result = bine_sem_acquire_until(&pots[i].sem, (size_t)permits, deadline);
    storm_check_result(result);
    if (result) {
        gave_up++;
        return;
    }
    pots[i].out += permits;
    CHECK(pots[i].out <= PERMITS);
    storm_shift(state);
    pots[i].out -= permits;
    bine_sem_release(&pots[i].sem, (size_t)permits);
    done++;
}

/* --- conditions --- */

static struct {
    bine_mutex mutex;
    bine_cond cond;
    long tokens, put, taken; /* guarded by mutex */
} purse;

static void put_token(uint64_t *state)
{
    bool inside = test_random_below(state, 2);
    bine_lock(&purse.mutex);
    purse.tokens++;
    purse.put++;
    if (inside)
        bine_cond_signal(&purse.cond);
    bine_unlock(&purse.mutex);
    if (!inside)
        bine_cond_signal(&purse.cond);
}

/* One that is signalled and finds nothing has been overtaken: it waits again. */
static void take_token(uint64_t *state)
{
    int result = 0;
    bine_lock(&purse.mutex);
    while (purse.tokens == 0 && result == 0)
        result = bine_cond_wait_until(&purse.cond, &purse.mutex, storm_deadline(state));
    CHECK_EQ(bine_try_lock(&purse.mutex), -EAGAIN);
    storm_check_result(result);
    if (purse.tokens > 0) {
        purse.tokens--;
        purse.taken++;
    }
    if (purse.tokens > 0) /* a signal that came as this one gave up, for another */
        bine_cond_signal(&purse.cond);
    bine_unlock(&purse.mutex);
    *(result ? &gave_up : &done) += 1;
}

/* --- objects in a frame --- */

struct party {
    bine_rwlock lock;
    bine_sem sem;
    bine_mutex *mutex; /* outlives the condition */
    bine_cond cond;
    bine_barrier barrier;
    bine_once once;
    int ready; /* guarded by mutex */
};

static void nothing(void)
{
    bine_yield();
}

static void join_party(struct party *party, uint64_t seed)
{
    uint64_t state = seed;
    storm_shift(&state);
    bine_once_do(&party->once, nothing);
    bine_lock(party->mutex);
    party->ready++;
    bine_cond_signal(&party->cond);
    bine_unlock(party->mutex);
    bine_read_lock(&party->lock);
    storm_shift(&state);
    bine_read_unlock(&party->lock);
    bine_barrier_wait(&party->barrier);
    storm_shift(&state);
    bine_sem_release(&party->sem, 1);
}

__attribute__((noinline)) static void give_party(uint64_t *state)
{
    bine_mutex mutex = {0};
    struct party party;
    memset(&party, 0, sizeof(party));
    party.mutex = &mutex;
    bine_barrier_init(&party.barrier, 3);
    bine_write_lock(&party.lock);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_go(join_party, &party, test_random(state)), 0);
    BINE_SHIELDED
    {
        bine_lock(&mutex);
        while (party.ready < 2)
            CHECK_EQ(bine_cond_wait(&party.cond, &mutex), 0);
        bine_unlock(&mutex);
        bine_write_unlock(&party.lock);
        bine_once_do(&party.once, nothing);
        bine_barrier_wait(&party.barrier);
        CHECK_EQ(bine_sem_acquire(&party.sem, 2), 0);
    }
    done++;
}

/* A frame of its own where those of give_party() and what it called were. */
__attribute__((noinline)) static void look_for_late_touches(uint64_t *state)
{
    volatile unsigned char bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = POISON;
    storm_shift(state);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], POISON);
}

/* --- the storm --- */

static void play(uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < STEPS; i++) {
        switch (test_random_below(&state, 8)) {
        case 0:
        case 1:
        case 2:
            weigh(&state);
            break;
        case 3:
        case 4:
            borrow(&state);
            break;
        case 5:
            put_token(&state);
            break;
        case 6:
            take_token(&state);
            break;
        default:
            give_party(&state);
            look_for_late_touches(&state);
        }
    }
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        bine_future(void) player = bine_async(play, test_random(&state));
        CHECK(player);
        play(test_random(&state));
        if (test_random_below(&state, 2))
            bine_cancel(player);
        bine_await(player);
    }
}

static void check_end(void)
{
    for (int i = 0; i < LOCKS; i++) {
        CHECK_EQ(bine_write_lock_until(&scales[i].lock, BINE_NOW), 0);
        CHECK_EQ(scales[i].left + scales[i].right, 0);
        bine_write_unlock(&scales[i].lock);
    }
    for (int i = 0; i < SEMS; i++) {
        CHECK_EQ(bine_sem_acquire_until(&pots[i].sem, PERMITS, BINE_NOW), 0);
        CHECK_EQ(bine_sem_acquire_until(&pots[i].sem, 1, BINE_NOW), -EAGAIN);
    }
    CHECK_EQ(bine_try_lock(&purse.mutex), 0);
    CHECK_EQ(purse.put, purse.taken + purse.tokens);
    bine_unlock(&purse.mutex);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    for (int i = 0; i < SEMS; i++)
        bine_sem_init(&pots[i].sem, PERMITS);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    check_end();
    CHECK(done > 0 && gave_up > 0);
    printf("%ld done, %ld given up\n", (long)done, (long)gave_up);
    return 0;
}
