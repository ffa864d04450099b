/*
 * Sends, receives and selects, in tasks and plain threads, race with each other and with deadlines,
 * cancellation, closing and freeing. Each value has a number, and each number ends in exactly one
 * place: received, still its sender's, or dropped with the channel.
 */
#include "../test_support/storm.h"
#include <bine/select.h>
#include <stdatomic.h>

enum { CHANNELS = 3, TASKS = 10, THREADS = 2, ACTORS = TASKS + THREADS, MOST_VALUES = 1 << 20 };

typedef bine_chan(int) int_chan;

static int_chan channels[CHANNELS];
static bine_event event;
static _Atomic int next_value;
static _Atomic uint8_t places[MOST_VALUES]; /* where it ended: 0, nowhere yet */
static _Atomic long received, kept, dropped, gave_up, cancelled, broken, by_event, by_task;
static uint64_t rounds;

static void place(int value, _Atomic long *where)
{
    CHECK(value >= 0 && value < next_value);
    CHECK_EQ(places[value]++, 0);
    *where += 1;
}

static void drop_value(int *value)
{
    place(*value, &dropped);
}

/* A value of its own, to be sent by the caller; -1 when there are no more in this round. */
static int new_value(void)
{
    int value = next_value++;
    if (value < MOST_VALUES)
        return value;
    next_value--;
    return -1;
}

/* Counts how an operation failed; false if the actor is to end. */
static bool count_failure(int result, int *patience)
{
    switch (result) {
    case -EPIPE:
        broken++;
        return --*patience > 0;
    case -ECANCELED:
        cancelled++;
        return false;
    case -ETIMEDOUT:
    case -EAGAIN:
        gave_up++;
        return true;
    default:
        CHECK(!"a result that there is");
        return false;
    }
}

static bine_time any_deadline(uint64_t *state)
{
    return test_random_below(state, 3) == 0 ? BINE_NEVER : storm_deadline(state);
}

static int send_value(uint64_t *state, int_chan ch)
{
    int value = new_value();
    if (value < 0)
        return -EAGAIN;
    int result = bine_send_until(ch, value, any_deadline(state));
    if (result != 0)
        place(value, &kept);
    return result;
}

static int receive_value(uint64_t *state, int_chan ch)
{
    int value = -1, result = bine_recv_until(ch, &value, any_deadline(state));
    if (result == 0)
        place(value, &received);
    else
        CHECK_EQ(value, -1);
    return result;
}

enum { MOST_CASES = 12 };

struct choice {
    int count;
    bine_case cases[MOST_CASES];
    int values[MOST_CASES]; /* of sends; where receives go; else -1 */
    bool sends[MOST_CASES];
};

static void add_case(struct choice *choice, uint64_t *state, bine_future(int) task)
{
    int i = choice->count++;
    int_chan ch = channels[test_random_below(state, CHANNELS)];
    int *value = &choice->values[i];
    *value = -1;
    choice->sends[i] = false;
    /* The first is always one that closing ends. */
    switch (i == 0 ? 7 : test_random_below(state, 8)) {
    case 0:
        choice->cases[i] = BINE_OFF;
        break;
    case 1:
        choice->cases[i] = BINE_SET(&event);
        break;
    case 2:
        choice->cases[i] = BINE_ENDED(task);
        break;
    case 3:
    case 4:
        *value = new_value();
        choice->cases[i] = BINE_OFF;
        if (*value < 0)
            break;
        choice->cases[i] = (bine_case){.kind = BINE_CASE_SEND_, .object = ch, .value = value};
        choice->sends[i] = true;
        break;
    default:
        choice->cases[i] = BINE_RECV(ch, value);
    }
}

static int compute(unsigned rounds_of_it)
{
    test_spin(rounds_of_it);
    return 0;
}

static void settle(struct choice *choice, int index)
{
    for (int i = 0; i < choice->count; i++) {
        bool happened = i == index && choice->cases[i].result == 0;
        if (choice->sends[i] && !happened)
            place(choice->values[i], &kept);
        else if (choice->cases[i].kind == BINE_CASE_RECV_ && happened)
            place(choice->values[i], &received);
        else if (!choice->sends[i])
            CHECK_EQ(choice->values[i], -1);
    }
}

static int select_values(uint64_t *state)
{
    struct choice choice = {0};
    bine_future(int) task = bine_async(compute, (unsigned)test_random_below(state, 1000));
    for (int i = 1 + (int)test_random_below(state, MOST_CASES); i > 0; i--)
        add_case(&choice, state, task);
    int index = bine_select_until(choice.cases, choice.count, any_deadline(state));
    CHECK(index < choice.count);
    settle(&choice, index);
    bine_await(task);
    if (index < 0)
        return index;
    enum bine_case_kind kind = choice.cases[index].kind;
    CHECK(kind != BINE_CASE_NONE_);
    by_event += kind == BINE_CASE_EVENT_;
    by_task += kind == BINE_CASE_TASK_;
    return choice.cases[index].result;
}

static void act(int actor)
{
    uint64_t state = storm_state(actor) + rounds;
    int patience =
        (int)test_random_below(&state, 8); /* with closed channels: then some values stay */
    for (;;) {
        int_chan ch = channels[test_random_below(&state, CHANNELS)];
        uint64_t kind = test_random_below(&state, 8);
        int result = kind < 3   ? send_value(&state, ch)
                     : kind < 6 ? receive_value(&state, ch)
                                : select_values(&state);
        if (result != 0 && !count_failure(result, &patience))
            return;
        storm_shift(&state);
    }
}

static void disturb(uint64_t *state, bine_future(void) * tasks)
{
    for (int i = (int)test_random_below(state, TASKS / 2); i > 0; i--) {
        storm_shift(state);
        bine_cancel(tasks[test_random_below(state, TASKS)]);
        if (test_random_below(state, 3) == 0)
            bine_event_set(&event);
        if (test_random_below(state, 2) == 0)
            bine_event_clear(&event);
        bine_sleep((bine_time)test_random_below(state, 500000));
    }
    for (int i = 0; i < CHANNELS; i++) {
        storm_shift(state);
        CHECK_EQ(bine_chan_close(channels[i]), 0);
    }
}

static void check_round(void)
{
    for (int i = 0; i < next_value; i++) {
        CHECK_EQ(places[i], 1);
        places[i] = 0;
    }
}

static void run_round(uint64_t *state)
{
    static const size_t capacities[] = {0, 0, 1, 2, 7, BINE_UNBOUNDED};
    bine_future(void) tasks[TASKS];
    next_value = 0;
    bine_event_clear(&event);
    for (int i = 0; i < CHANNELS; i++) {
        channels[i] = bine_chan_make(int, capacities[test_random_below(state, 6)]);
        CHECK(channels[i]);
        bine_chan_on_drop(channels[i], drop_value);
    }
    for (int i = 0; i < TASKS; i++)
        CHECK((tasks[i] = bine_async(act, i)));
    for (int i = TASKS; i < ACTORS; i++)
        crowd_add_thread(act, i);
    bine_sleep((bine_time)test_random_below(state, 3000000));
    disturb(state, tasks);
    bine_event_set(&event);
    for (int i = 0; i < TASKS; i++)
        bine_await(tasks[i]);
    crowd_join();
    for (int i = 0; i < CHANNELS; i++)
        bine_chan_unref(channels[i]);
    check_round();
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    uint64_t state = storm_state(ACTORS);
    for (; !storm_is_over() || rounds < 3; rounds++)
        run_round(&state);
    printf("%llu rounds: %ld received, %ld kept, %ld dropped, %ld given up, %ld cancelled, "
           "%ld closed, %ld by an event, %ld by a task\n",
           (unsigned long long)rounds, (long)received, (long)kept, (long)dropped, (long)gave_up,
           (long)cancelled, (long)broken, (long)by_event, (long)by_task);
    CHECK(received > 0 && kept > 0 && dropped > 0 && gave_up > 0 && cancelled > 0 && broken > 0);
    return 0;
}
