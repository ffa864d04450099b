/*
 * Events and wait groups that live on their waiters' stacks, while sets, deadlines and cancels race
 * to end each wait: every wait ends once and for a reason that was there, nobody touches an object
 * that is gone, and every one that was to be woken is.
 */
#include "../test_support/storm.h"

enum { ACTORS = 16, WAITERS = 4, POISON_BYTES = 256, POISON = 0x5a };

static _Atomic long woken, timed_out, cancelled;

/* What a round's parties share; it lives in the frame of the actor, who outlasts the others. */
struct round {
    bine_event event;
    bine_waitgroup setters;
    bine_waitgroup all_in;
    _Atomic bool set, cancels; /* said before it is done */
};

static void count(const struct round *round, int result, bine_time deadline)
{
    storm_check_result(result);
    if (result == 0)
        CHECK(round->set);
    if (result == -ECANCELED)
        CHECK(round->cancels);
    if (result == -EAGAIN)
        CHECK(deadline == BINE_NOW);
    if (result == -ETIMEDOUT)
        CHECK(bine_now() >= deadline);
    *(result == 0 ? &woken : result == -ECANCELED ? &cancelled : &timed_out) += 1;
}

static void set(struct round *round, uint64_t seed)
{
    uint64_t state = seed;
    storm_shift(&state);
    storm_shift(&state);
    round->set = true;
    bine_event_set(&round->event);
    bine_waitgroup_done(&round->setters);
}

static int wait_for_set(struct round *round, uint64_t seed)
{
    uint64_t state = seed;
    bine_time deadline = seed % 4 ? storm_deadline(&state) : BINE_NEVER;
    bine_waitgroup_done(&round->all_in);
    storm_shift(&state);
    int result = seed % 2 ? bine_event_wait_until(&round->event, deadline)
                          : bine_waitgroup_wait_until(&round->setters, deadline);
    count(round, result, deadline);
    return result;
}

static void play_round(uint64_t *state)
{
    struct round round = {0};
    bine_future(int) waiters[WAITERS];
    bine_waitgroup_add(&round.setters, 1);
    bine_waitgroup_add(&round.all_in, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = bine_async(wait_for_set, &round, test_random(state));
        CHECK(waiters[i]);
    }
    if (test_random_below(state, 2))
        CHECK_EQ(bine_waitgroup_wait(&round.all_in), 0);
    CHECK_EQ(bine_go(set, &round, test_random(state)), 0);
    for (int i = 0; i < WAITERS; i++)
        if (test_random_below(state, 3) == 0) {
            round.cancels = true;
            bine_cancel(waiters[i]);
            storm_shift(state);
        }
    for (int i = 0; i < WAITERS; i++)
        bine_await(waiters[i]);
    CHECK_EQ(bine_waitgroup_wait(&round.setters), 0);
    CHECK_EQ(bine_event_wait(&round.event), 0);
}

/* A frame of its own where those of play_round() and wait_for_set() were. */
__attribute__((noinline)) static void look_for_late_touches(uint64_t *state)
{
    volatile unsigned char bytes[POISON_BYTES];
    for (int i = 0; i < POISON_BYTES; i++)
        bytes[i] = POISON;
    storm_shift(state);
    for (int i = 0; i < POISON_BYTES; i++)
        CHECK_EQ(bytes[i], POISON);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over()) {
        play_round(&state);
        look_for_late_touches(&state);
    }
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK(woken > 0 && timed_out > 0 && cancelled > 0); /* else nothing raced */
    printf("%ld woken, %ld timed out, %ld cancelled\n", (long)woken, (long)timed_out,
           (long)cancelled);
    return 0;
}
