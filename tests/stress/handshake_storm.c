/*
 * Pairs hand a turn to and fro by two events, with waits that give up again and again on the way:
 * no turn is lost or doubled, however the hand-over races with the deadline.
 */
#include "../test_support/storm.h"

enum { PAIRS = 8 };

static struct pair {
    bine_event turn_of[2];
    long turns; /* the one whose turn it is alone touches it */
    bool over;  /* as above */
} pairs[PAIRS];

static _Atomic long turns, gave_up;

static void await_turn(bine_event *turn, uint64_t *state)
{
    int result;
    while ((result = bine_event_wait_until(turn, storm_deadline(state))) != 0) {
        CHECK(result == -ETIMEDOUT || result == -EAGAIN);
        gave_up++;
        bine_yield();
    }
    bine_event_clear(turn);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    struct pair *pair = &pairs[actor / 2];
    int side = actor % 2;
    for (bool over = false; !over;) {
        await_turn(&pair->turn_of[side], &state);
        CHECK_EQ(pair->turns % 2, side);
        over = pair->over;
        pair->turns++;
        if (storm_is_over())
            pair->over = true;
        turns++;
        storm_shift(&state);
        bine_event_set(&pair->turn_of[1 - side]);
    }
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    for (int i = 0; i < PAIRS; i++)
        bine_event_set(&pairs[i].turn_of[0]);
    crowd_start_mixed(act, 2 * PAIRS);
    crowd_join();
    CHECK(gave_up > 0); /* else nothing raced */
    printf("%ld turns, %ld waits given up\n", (long)turns, (long)gave_up);
    return 0;
}
