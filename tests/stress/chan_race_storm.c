/*
 * One sender and one receiver meet while a deadline passes, a cancellation comes or the channel is
 * closed, again and again, a million times in half a minute: each value is received once or is
 * still its sender's, and a wait ends with the one result that fits.
 */
#include "../test_support/storm.h"
#include <bine/select.h>
#include <stdatomic.h>

enum { PAIRS = 6, SWEEP_NS = 4000 };

static _Atomic long races, met, by_deadline, by_cancel, by_close, left;

struct race {
    bine_chan(long) ch;
    bine_time deadline[2];
    bool selects[2];
    long received;
};

static void count(int result)
{
    *(result == 0            ? &met
      : result == -ETIMEDOUT ? &by_deadline
      : result == -ECANCELED ? &by_cancel
                             : &by_close) += 1;
    CHECK(result == 0 || result == -ETIMEDOUT || result == -ECANCELED || result == -EPIPE);
}

/* As the plain calls, by a select of several cases. */
static int select_one(bine_case one, bine_time deadline)
{
    bine_case cases[] = {BINE_OFF, one, one};
    int index = bine_select_until(cases, 3, deadline);
    CHECK(index != 0 && index < 3);
    return index < 0 ? index : cases[index].result;
}

static int send_one(struct race *race, long number)
{
    bine_case send = {.kind = BINE_CASE_SEND_, .object = (void *)race->ch, .value = &number};
    int result = race->selects[0] ? select_one(send, race->deadline[0])
                                  : bine_send_until(race->ch, number, race->deadline[0]);
    count(result);
    return result;
}

static int receive_one(struct race *race)
{
    long value = -1;
    int result = race->selects[1] ? select_one(BINE_RECV(race->ch, &value), race->deadline[1])
                                  : bine_recv_until(race->ch, &value, race->deadline[1]);
    CHECK((result == 0) == (value != -1));
    race->received = value;
    count(result);
    return result;
}

static void race_once(uint64_t *state, long number)
{
    struct race race = {.received = -1};
    race.ch = bine_chan_make(long, test_random_below(state, 2));
    for (int i = 0; i < 2; i++) {
        race.selects[i] = test_random_below(state, 2);
        race.deadline[i] = test_random_below(state, 2)
                               ? BINE_NEVER
                               : bine_after((bine_time)test_random_below(state, SWEEP_NS));
    }
    bine_future(int) receiver = bine_async(receive_one, &race);
    if (test_random_below(state, 2))
        bine_yield();
    bine_future(int) sender = bine_async(send_one, &race, number);
    if (test_random_below(state, 2))
        bine_yield();
    test_spin((unsigned)test_random_below(state, 400));
    switch (test_random_below(state, 4)) {
    case 0:
        bine_cancel(receiver);
        break;
    case 1:
        bine_cancel(sender);
        break;
    case 2:
        CHECK_EQ(bine_chan_close(race.ch), 0);
        break;
    }
    bine_yield();
    bine_cancel(receiver); /* who still waits, the other having given up, waits for ever */
    bine_cancel(sender);
    int sent = bine_await(sender), received = bine_await(receiver);
    long value = -1;
    bool was_left = bine_try_recv(race.ch, &value) == 0;
    left += was_left;
    CHECK_EQ(sent == 0, (received == 0) + was_left);
    CHECK_EQ(received == 0 ? race.received : was_left ? value : number, number);
    CHECK(bine_try_recv(race.ch, &value) != 0);
    bine_chan_unref(race.ch);
    races++;
}

static void race_often(int actor)
{
    uint64_t state = storm_state(actor);
    for (long i = 0; !storm_is_over(); i++)
        race_once(&state, i);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    crowd_start_mixed(race_often, PAIRS);
    crowd_join();
    printf("%ld races: %ld met, %ld by deadline, %ld by cancel, %ld by close, %ld left behind\n",
           (long)races, (long)met, (long)by_deadline, (long)by_cancel, (long)by_close, (long)left);
    CHECK(met > 0 && by_deadline > 0 && by_cancel > 0 && by_close > 0);
    return 0;
}
