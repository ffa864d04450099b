/*
 * Broadcast, watch and one-shot channels while subscribers come, go, fall behind, give up and are
 * cancelled: what was received and what was missed add up, values that own something are given up
 * once, and nobody who waits is forgotten.
 */
#include "../test_support/storm.h"
#include <bine/broadcast.h>
#include <bine/oneshot.h>
#include <bine/watch.h>

enum { ACTORS = 12, VALUES = 200, READERS = 4 };

static _Atomic long living, received, missed, gave_up;

/* A value that owns something: whoever has one has a reference. */
struct thing {
    _Atomic int references;
    int number;
};

static struct thing *make(int number)
{
    struct thing *thing = malloc(sizeof(*thing));
    CHECK(thing);
    *thing = (struct thing){1, number};
    living++;
    return thing;
}

static void take_reference(struct thing **thing)
{
    CHECK((*thing)->references++ > 0);
}

static void release(struct thing **thing)
{
    int left = --(*thing)->references;
    CHECK(left >= 0);
    if (left == 0) {
        living--;
        free(*thing);
    }
}

/* What the parties of a round share; it lives in the frame of the actor, who outlasts the others.
 */
struct round {
    bine_broadcast(struct thing *) things;
    bine_watch(struct thing *) newest;
    _Atomic bool cancels; /* said before it is done */
};

static bool goes_on(const struct round *round, int error)
{
    storm_check_result(error == -EPIPE ? 0 : error);
    if (error == -ECANCELED)
        CHECK(round->cancels);
    if (error)
        gave_up++;
    return error == 0 || error == -EAGAIN || error == -ETIMEDOUT;
}

/* Reads to the end, but where it is cancelled or leaves before. */
static void subscribe(struct round *round, bine_subscriber(struct thing *) subscriber,
                      uint64_t seed)
{
    uint64_t state = seed, lost;
    int last = 0, error = 0;
    bool leaves = test_random_below(&state, 4) == 0;
    while (goes_on(round, error) && !(leaves && test_random_below(&state, 50) == 0)) {
        struct thing *thing = NULL;
        bine_time deadline = test_random_below(&state, 3) ? BINE_NEVER : storm_deadline(&state);
        error = bine_broadcast_recv_until(subscriber, &thing, &lost, deadline);
        if (error == 0) {
            CHECK_EQ(thing->number, last + 1 + (int)lost);
            last = thing->number;
            received++;
            missed += (long)lost;
            release(&thing);
        }
        storm_shift(&state);
    }
    if (error == -EPIPE)
        CHECK_EQ(last, VALUES);
    bine_broadcast_unsubscribe(subscriber);
}

static void watch(struct round *round, uint64_t seed)
{
    uint64_t state = seed, seen = 0;
    int last = -1, error = 0;
    while (goes_on(round, error)) {
        struct thing *thing = NULL;
        bine_time deadline = test_random_below(&state, 3) ? BINE_NEVER : storm_deadline(&state);
        error = bine_watch_wait_until(round->newest, &thing, &seen, deadline);
        if (error == 0) {
            CHECK(thing->number > last);
            last = thing->number;
            release(&thing);
        }
        storm_shift(&state);
    }
    if (error == -EPIPE)
        CHECK_EQ(last, VALUES);
    bine_watch_unref(round->newest);
}

static void answer(bine_oneshot_sender(struct thing *) sender, uint64_t seed)
{
    uint64_t state = seed;
    storm_shift(&state);
    if (seed % 4) {
        struct thing *thing = make(0);
        if (bine_oneshot_send(sender, thing) != 0)
            release(&thing);
        else
            CHECK_EQ(bine_oneshot_send(sender, thing), -EPIPE);
    }
    storm_shift(&state);
    bine_oneshot_drop_sender(sender);
}

static void ask(uint64_t *state)
{
    bine_oneshot_sender(struct thing *) sender;
    bine_oneshot_receiver(struct thing *) receiver;
    uint64_t seed = test_random(state);
    struct thing *thing = NULL;
    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0);
    bine_oneshot_on_drop(sender, release);
    CHECK_EQ(bine_go(answer, sender, seed), 0);
    if (test_random_below(state, 2)) {
        CHECK_EQ(bine_oneshot_recv(receiver, &thing), seed % 4 ? 0 : -EPIPE);
    } else {
        int error = bine_oneshot_recv_until(receiver, &thing, storm_deadline(state));
        storm_check_result(error == -EPIPE ? 0 : error);
    }
    if (thing)
        release(&thing);
    bine_oneshot_drop_receiver(receiver);
}

static void send_all(struct round *round, uint64_t *state)
{
    for (int i = 1; i <= VALUES; i++) {
        CHECK_EQ(bine_broadcast_send(round->things, make(i)), 0);
        CHECK_EQ(bine_watch_send(round->newest, make(i)), 0);
        if (test_random_below(state, 4) == 0)
            storm_shift(state);
        if (test_random_below(state, 40) == 0)
            ask(state);
    }
}

static void play_round(uint64_t *state)
{
    struct round round = {0};
    bine_future(void) readers[2 * READERS];
    CHECK((round.things = bine_broadcast_make(struct thing *, test_random_below(state, 8) + 1)));
    CHECK((round.newest = bine_watch_make(struct thing *, make(0))));
    bine_broadcast_on_copy(round.things, take_reference);
    bine_broadcast_on_drop(round.things, release);
    bine_watch_on_copy(round.newest, take_reference);
    bine_watch_on_drop(round.newest, release);
    for (int i = 0; i < READERS; i++) {
        bine_subscriber(struct thing *) subscriber = bine_broadcast_subscribe(round.things);
        CHECK(subscriber);
        bine_watch_ref(round.newest);
        readers[2 * i] = bine_async(subscribe, &round, subscriber, test_random(state));
        readers[2 * i + 1] = bine_async(watch, &round, test_random(state));
        CHECK(readers[2 * i] && readers[2 * i + 1]);
    }
    send_all(&round, state);
    if (test_random_below(state, 2)) {
        round.cancels = true;
        bine_cancel(readers[test_random_below(state, 2 * READERS)]);
    }
    bine_broadcast_unref(round.things);
    bine_watch_close(round.newest);
    bine_watch_unref(round.newest);
    for (int i = 0; i < 2 * READERS; i++)
        bine_await(readers[i]);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over())
        play_round(&state);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(living, 0);
    CHECK(received > 0 && missed > 0 && gave_up > 0);
    printf("%ld received, %ld missed, %ld given up\n", (long)received, (long)missed, (long)gave_up);
    return 0;
}
