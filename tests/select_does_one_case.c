/*
 * Select does exactly one case, of whichever kind, and says in its result how: ready at once or
 * after waiting, from a task or a plain thread.
 */
#include "test_support/crowd.h"
#include <bine/select.h>

static bine_chan(int) in;
static bine_chan(int) out;
static bine_chan(int) gone;
static bine_event event;

/* Gives the select time to wait; no check leans on it. */
static void let_it_wait(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
}

static int give(int number)
{
    return number;
}

static void send_later(int number)
{
    let_it_wait();
    CHECK_EQ(bine_send(in, number), 0);
}

static void receive_later(int number)
{
    int value;
    let_it_wait();
    CHECK_EQ(bine_recv(out, &value), 0);
    CHECK_EQ(value, number);
}

static void set_later(int unused)
{
    let_it_wait();
    bine_event_set(&event);
    (void)unused;
}

static void close_later(int unused)
{
    let_it_wait();
    CHECK_EQ(bine_chan_close(gone), 0);
    (void)unused;
}

static int give_later(int number)
{
    let_it_wait();
    return number;
}

/* One select on everything; returns the index of what happened. */
static int select_all(bine_future(int) future, int sent, int *received, int *result)
{
    int nothing = -1;
    bine_case cases[] = {
        BINE_RECV(in, received), BINE_SEND(out, sent),      BINE_ENDED(future),
        BINE_SET(&event),        BINE_RECV(gone, &nothing), BINE_OFF,
    };
    for (int i = 0; i < 6; i++)
        cases[i].result = 77;
    int index = bine_select(cases, 6);
    CHECK_EQ(nothing, -1);
    for (int i = 0; i < 6; i++)
        CHECK(i == index || cases[i].result == 77);
    CHECK(index >= 0);
    *result = cases[index].result;
    return index;
}

static void check_index(bine_future(int) future, int sent, int expected, int result_expected)
{
    int received = -1, result;
    CHECK_EQ(select_all(future, sent, &received, &result), expected);
    CHECK_EQ(result, result_expected);
    CHECK_EQ(received, expected == 0 ? 11 : -1);
}

/* `buffer`: of the channels; what is ready is so before the select. */
static int check_ready(void)
{
    bine_event never = {0};
    in = bine_chan_make(int, 1);
    out = bine_chan_make(int, 1);
    gone = bine_chan_make(int, 1);
    event = never;
    bine_event stop = {0};
    bine_future(int) waits = bine_async(bine_event_wait, &stop);
    CHECK_EQ(bine_send(out, 0), 0); /* full */

    CHECK_EQ(bine_send(in, 11), 0);
    check_index(waits, 1, 0, 0);
    CHECK_EQ(bine_recv(out, NULL), 0);
    check_index(waits, 22, 1, 0);
    CHECK_EQ(bine_chan_len(out), 1);
    bine_event_set(&event);
    check_index(waits, 1, 3, 0);
    bine_event_clear(&event);
    CHECK_EQ(bine_chan_close(gone), 0);
    check_index(waits, 1, 4, -EPIPE);
    bine_event_set(&stop);
    EVENTUALLY(bine_await_any_until(&waits, 1, BINE_NOW) == 0);
    bine_chan_unref(gone);
    gone = NULL;
    check_index(waits, 1, 2, 0);
    CHECK_EQ(bine_await(waits), 0);
    CHECK_EQ(bine_chan_close(out), 0);
    check_index(NULL, 1, 1, -EPIPE);
    CHECK_EQ(bine_chan_len(out), 1);
    bine_chan_unref(in);
    bine_chan_unref(out);
    return 0;
}

static int check_waiting(void)
{
    bine_event stop = {0}, never = {0};
    event = never;
    in = bine_chan_make(int, 0);
    out = bine_chan_make(int, 0);
    gone = bine_chan_make(int, 0);
    bine_future(int) waits = bine_async(bine_event_wait, &stop);
    CHECK_EQ(bine_go(send_later, 11), 0);
    check_index(waits, 1, 0, 0);
    CHECK_EQ(bine_go(receive_later, 22), 0);
    check_index(waits, 22, 1, 0);
    CHECK_EQ(bine_go(set_later, 0), 0);
    check_index(waits, 1, 3, 0);
    bine_event_clear(&event);
    CHECK_EQ(bine_go(close_later, 0), 0);
    check_index(waits, 1, 4, -EPIPE);
    bine_chan_unref(gone);
    gone = NULL;
    bine_event_set(&stop);
    check_index(waits, 1, 2, 0);
    CHECK_EQ(bine_await(waits), 0);
    waits = bine_async(give_later, 5);
    check_index(waits, 1, 2, 0);
    CHECK_EQ(bine_await(waits), 5);
    CHECK_EQ(bine_await(bine_async(give, 3)), 3);
    bine_chan_unref(in);
    bine_chan_unref(out);
    return 0;
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(check_ready(), 0);
        CHECK_EQ(check_waiting(), 0);
        CHECK_EQ(bine_run(check_ready), 0);
        CHECK_EQ(bine_run(check_waiting), 0);
    }
    return 0;
}
