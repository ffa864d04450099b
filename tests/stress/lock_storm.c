/*
 * Money moves between accounts that are each guarded by a mutex, while lock attempts time out and
 * lockers are cancelled: none is lost or made, and no mutex is left locked.
 */
#include "../test_support/storm.h"

enum { ACTORS = 16, ACCOUNTS = 5, START_BALANCE = 1000, MOVES_EACH = 40 };

static bine_guarded(long) accounts[ACCOUNTS];
static _Atomic long moved, gave_up;

/* Locks the one with the lower index first, so that nobody waits in a ring. */
static bool lock_both(int low, int high, uint64_t *state)
{
    int result = bine_lock_until(&accounts[low].mutex, storm_deadline(state));
    storm_check_result(result);
    if (result)
        return false;
    storm_shift(state);
    if (test_random_below(state, 4) == 0) {
        result = bine_try_lock(&accounts[high].mutex);
    } else if (test_random_below(state, 3) == 0) {
        bine_lock(&accounts[high].mutex);
    } else {
        result = bine_lock_until(&accounts[high].mutex, storm_deadline(state));
        storm_check_result(result);
    }
    if (result)
        bine_unlock(&accounts[low].mutex);
    return result == 0;
}

static void move_once(uint64_t *state)
{
    int low = (int)test_random_below(state, ACCOUNTS - 1);
    int high = low + 1 + (int)test_random_below(state, (uint64_t)(ACCOUNTS - 1 - low));
    long amount = (long)test_random_below(state, 100) - 50;
    if (!lock_both(low, high, state)) {
        gave_up++;
        return;
    }
    accounts[low].data -= amount;
    storm_shift(state);
    if (test_random_below(state, 50) == 0)
        storm_check_result(bine_sleep((bine_time)test_random_below(state, 50000)));
    accounts[high].data += amount;
    bool low_first = test_random_below(state, 2);
    bine_unlock(&accounts[low_first ? low : high].mutex);
    storm_shift(state);
    bine_unlock(&accounts[low_first ? high : low].mutex);
    moved++;
}

static void move_often(uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < MOVES_EACH; i++)
        move_once(&state);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        bine_future(void) mover = bine_async(move_often, test_random(&state));
        CHECK(mover);
        move_often(test_random(&state));
        if (test_random_below(&state, 2))
            bine_cancel(mover);
        bine_await(mover);
    }
}

static void check_total(void)
{
    long total = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        CHECK_EQ(bine_try_lock(&accounts[i].mutex), 0);
        total += accounts[i].data;
        bine_unlock(&accounts[i].mutex);
    }
    CHECK_EQ(total, ACCOUNTS * START_BALANCE);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i].data = START_BALANCE;
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    check_total();
    CHECK(moved > 0 && gave_up > 0);
    printf("%ld moves, %ld given up\n", (long)moved, (long)gave_up);
    return 0;
}
