/*
 * Whom a channel lets through may drop its last reference at once: the call that let it through
 * does not touch it any more. Checked by freeing, which the address sanitizer and the allocator
 * watch.
 */
#include "test_support/crowd.h"
#include <bine/chan.h>
#include <bine/select.h>

enum { USERS = 8, ROUNDS = 10000 };

static void send_to(struct bine_chan *ch, int round)
{
    test_spin((unsigned)round % 64);
    CHECK_EQ(bine_chan_send_(ch, &round, BINE_NEVER), 0);
}

static void receive_from(struct bine_chan *ch, int round)
{
    int value;
    test_spin((unsigned)round % 64);
    CHECK_EQ(bine_chan_recv_(ch, &value, BINE_NEVER), 0);
    CHECK_EQ(value, round);
}

static void close_it(struct bine_chan *ch, int round)
{
    test_spin((unsigned)round % 64);
    CHECK_EQ(bine_chan_close_(ch), 0);
}

static void use_once(int round)
{
    bine_chan(int) ch = bine_chan_make(int, round / 4 % 2);
    int value = -1;
    CHECK(ch);
    switch (round % 4) {
    case 0:
        CHECK_EQ(bine_go(send_to, (struct bine_chan *)ch, round), 0);
        test_spin((unsigned)round % 200);
        CHECK_EQ(bine_recv(ch, &value), 0);
        break;
    case 1: /* from a buffer the receiver may not have taken it yet */
        CHECK_EQ(bine_go(receive_from, (struct bine_chan *)ch, round), 0);
        test_spin((unsigned)round % 200);
        CHECK_EQ(bine_send(ch, round), 0);
        while (bine_chan_cap(ch) > 0 && bine_try_send(ch, round) != 0)
            bine_yield(); /* it has taken the first: it is done but for its way out */
        break;
    case 2:
        CHECK_EQ(bine_go(close_it, (struct bine_chan *)ch, round), 0);
        test_spin((unsigned)round % 200);
        CHECK_EQ(bine_recv(ch, &value), -EPIPE);
        break;
    case 3:
        CHECK_EQ(bine_go(send_to, (struct bine_chan *)ch, round), 0);
        test_spin((unsigned)round % 200);
        bine_case cases[] = {BINE_OFF, BINE_RECV(ch, &value)};
        CHECK_EQ(bine_select(cases, 2), 1);
        break;
    }
    bine_chan_unref(ch);
}

static void use_often(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        use_once(number + i);
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
