/* Among several cases that can happen each is equally likely, wherever they stand: with many draws
 * each comes about as often as the others. */
#include "test.h"
#include <bine/select.h>

enum { DRAWS = 30000, CASES = 12 };

static const int ready[] = {0, 1, 5, 6, 7, 11};
enum { READY = sizeof(ready) / sizeof(ready[0]) };

static int draw_often(void)
{
    bine_chan(int) full = bine_chan_make(int, 1);
    bine_chan(int) empty = bine_chan_make(int, 1);
    bine_event set = {0};
    int value, counts[CASES] = {0}, draws = test_scaled(DRAWS);
    bine_event_set(&set);
    bine_case cases[CASES];
    for (int i = 0; i < CASES; i++)
        cases[i] = BINE_RECV(empty, &value);
    for (int i = 0; i < READY; i++)
        cases[ready[i]] = i % 2 ? BINE_SET(&set) : BINE_RECV(full, &value);
    for (int i = 0; i < draws; i++) {
        CHECK(bine_chan_len(full) == 1 || bine_send(full, i) == 0);
        int index = i % 2 ? bine_select(cases, CASES) : bine_try_select(cases, CASES);
        CHECK(index >= 0 && index < CASES);
        counts[index]++;
    }
    for (int i = 0, at = 0; i < CASES; i++) {
        bool is_ready = at < READY && ready[at] == i;
        at += is_ready;
        /* Six times the deviation of a fair draw: once in a thousand million runs. */
        double expected = is_ready ? (double)draws / READY : 0, off = counts[i] - expected;
        CHECK(off * off <= 36 * expected);
    }
    bine_chan_unref(full);
    bine_chan_unref(empty);
    return 0;
}

int main(void)
{
    CHECK_EQ(draw_often(), 0);
    CHECK_EQ(bine_run(draw_often), 0);
    return 0;
}
