/* Select waits on as many as 65,536 cases at once, of one channel or of many, and on nothing of it
 * any more once it is done. */
#include "test_support/crowd.h"
#include <bine/select.h>

enum { MOST = 65536, CHANNELS = 3000 };

static bine_chan(int) channels[CHANNELS];
static int values[CHANNELS];
static bine_case cases[MOST];
static bine_event events[CHANNELS];

/* Gives the select time to wait; no check leans on it. */
static void let_it_wait(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
}

static void send_to(int number)
{
    let_it_wait();
    CHECK_EQ(bine_send(channels[number], number), 0);
}

static void set_event(int number)
{
    let_it_wait();
    bine_event_set(&events[number]);
}

static int select_from(int count, int number)
{
    for (int i = 0; i < count; i++)
        cases[i] = i / CHANNELS % 2 ? BINE_SET(&events[i % CHANNELS])
                                    : BINE_RECV(channels[i % CHANNELS], &values[i % CHANNELS]);
    CHECK_EQ(bine_go(send_to, number), 0);
    int index = bine_select(cases, count);
    CHECK_EQ(index % CHANNELS, number);
    CHECK_EQ(index / CHANNELS % 2, 0);
    CHECK_EQ(values[number], number);
    values[number] = 0;
    if (count > CHANNELS) {
        CHECK_EQ(bine_go(set_event, number), 0);
        index = bine_select(cases, count);
        CHECK_EQ(index % CHANNELS, number);
        CHECK_EQ(index / CHANNELS % 2, 1);
        bine_event_clear(&events[number]);
    }
    for (int i = 0; i < CHANNELS; i++)
        CHECK_EQ(bine_try_send(channels[i], 1), -EAGAIN); /* nobody is left in its queue */
    return 0;
}

int main(void)
{
    static const int counts[] = {8, 9, 100, CHANNELS, 2 * CHANNELS, MOST};
    for (int i = 0; i < CHANNELS; i++)
        CHECK((channels[i] = bine_chan_make(int, 0)));
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        int number = counts[i] < CHANNELS ? counts[i] - 1 : CHANNELS - 1;
        CHECK_EQ(select_from(counts[i], number), 0);
        CHECK_EQ(bine_run(select_from, counts[i], number / 2), 0);
    }
    for (int i = 0; i < CHANNELS; i++)
        bine_chan_unref(channels[i]);
    return 0;
}
