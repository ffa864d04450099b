/*
 * Sends and receives race with deadlines, cancellation and closing: each value is received once or
 * still its sender's, whatever ends the waits.
 */
#include "test_support/crowd.h"
#include <bine/chan.h>
#include <stdatomic.h>

enum { ROUNDS = 6000, SWEEP_NS = 20000 };

static _Atomic long sent, received, sent_sum, received_sum, by_deadline, by_cancel, by_close;

static bool count_failure(int result)
{
    CHECK(result == -ETIMEDOUT || result == -ECANCELED || result == -EPIPE);
    *(result == -ETIMEDOUT ? &by_deadline : result == -ECANCELED ? &by_cancel : &by_close) += 1;
    return true;
}

static void send_one(struct bine_chan *ch, int number, bine_time deadline)
{
    int result = bine_chan_send_(ch, &number, deadline);
    if (result == 0) {
        sent++;
        sent_sum += number;
    } else {
        count_failure(result);
    }
}

static void receive_one(struct bine_chan *ch, bine_time deadline)
{
    int value = -1, result = bine_chan_recv_(ch, &value, deadline);
    if (result == 0) {
        received++;
        received_sum += value;
    } else {
        CHECK_EQ(value, -1);
        count_failure(result);
    }
}

/* What was sent and not received is in the buffer. */
static void drain(bine_chan(int) ch)
{
    int value;
    while (bine_try_recv(ch, &value) == 0) {
        received++;
        received_sum += value;
    }
}

enum { BY_DEADLINE, BY_CANCEL, BY_CLOSE, KINDS };

static void race_once(int round, size_t capacity)
{
    bine_chan(int) ch = bine_chan_make(int, capacity);
    int kind = round % KINDS;
    bine_time moment = bine_after(SWEEP_NS);
    bine_time deadline = kind == BY_DEADLINE ? moment : BINE_NEVER;
    bine_time gap = round * 37 % SWEEP_NS;
    bine_future(void) receiver = bine_async(receive_one, (struct bine_chan *)ch, deadline);
    while (bine_now() < moment - SWEEP_NS / 2 + gap)
        bine_yield();
    bine_future(void) sender = bine_async(send_one, (struct bine_chan *)ch, round, deadline);
    if (kind == BY_CANCEL) {
        test_spin((unsigned)round % 300);
        bine_cancel(round % 2 ? receiver : sender);
        test_spin((unsigned)round % 100);
        bine_cancel(round % 2 ? sender : receiver);
    } else if (kind == BY_CLOSE) {
        test_spin((unsigned)round % 300);
        CHECK_EQ(bine_chan_close(ch), 0);
    }
    bine_await(sender);
    bine_await(receiver);
    drain(ch);
    bine_chan_unref(ch);
}

static int race_often(int rounds)
{
    for (int i = 0; i < rounds; i++)
        race_once(i, (size_t)(i / KINDS % 2));
    return 0;
}

static void check_counts(void)
{
    CHECK_EQ(sent, received);
    CHECK_EQ(sent_sum, received_sum);
    CHECK(sent > 0);
    CHECK(by_cancel > 0 && by_close > 0 && by_deadline > 0); /* else nothing raced */
}

int main(void)
{
    race_often(test_scaled(ROUNDS)); /* a plain thread closes and cancels */
    check_counts();
    CHECK_EQ(bine_run(race_often, test_scaled(ROUNDS)), 0);
    check_counts();
    return 0;
}
