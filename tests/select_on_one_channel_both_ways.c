/*
 * The same channel may stand in several cases, for sending and for receiving: a select never serves
 * itself, two of them serve each other, and nothing is lost or doubled.
 */
#include "test_support/crowd.h"
#include <bine/select.h>
#include <stdatomic.h>

enum { USERS = 8, ROUNDS = 2000 };

static bine_chan(int) ch;
static _Atomic long sent, received, sent_sum, received_sum;

static int check_alone(void)
{
    bine_chan(int) own = bine_chan_make(int, 0);
    int value = -1;
    bine_case cases[] = {BINE_SEND(own, 1), BINE_RECV(own, &value), BINE_RECV(own, &value),
                         BINE_SEND(own, 2)};
    CHECK_EQ(bine_try_select(cases, 4), -EAGAIN);
    CHECK_EQ(bine_select_until(cases, 4, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(value, -1);
    bine_chan_unref(own);
    return 0;
}

static void talk(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        int mine = number * ROUNDS + i, value = -1;
        bine_case cases[] = {BINE_SEND(ch, mine), BINE_RECV(ch, &value), BINE_SEND(ch, mine),
                             BINE_RECV(ch, &value)};
        int index = bine_select_until(cases, 4, bine_after(BINE_MS(1)));
        if (index == -ETIMEDOUT) {
            CHECK_EQ(value, -1);
            continue;
        }
        CHECK(index >= 0 && index < 4);
        CHECK_EQ(cases[index].result, 0);
        if (index % 2) {
            CHECK(value >= 0 && value / ROUNDS != number);
            received++;
            received_sum += value;
        } else {
            CHECK_EQ(value, -1);
            sent++;
            sent_sum += mine;
        }
    }
}

int main(void)
{
    CHECK_EQ(check_alone(), 0);
    CHECK_EQ(bine_run(check_alone), 0);
    ch = bine_chan_make(int, 0);
    crowd_start_mixed(talk, USERS);
    crowd_join();
    CHECK(sent > 0);
    CHECK_EQ(sent, received);
    CHECK_EQ(sent_sum, received_sum);
    bine_chan_unref(ch);
    return 0;
}
