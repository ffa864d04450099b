/*
 * A NULL channel comes first, then cancellation and deadlines around the caller; what can be done
 * at once is done even when the call's own deadline has passed; a try looks at neither and never
 * waits.
 */
#include "test.h"
#include <bine/chan.h>

static bine_chan(int) nothing;
static bine_chan(int) full;
static bine_chan(int) empty;
static bine_chan(int) half;
static bine_chan(int) closed;

static int check_null(void)
{
    int value = 7;
    CHECK_EQ(bine_send(nothing, 1), -EINVAL);
    CHECK_EQ(bine_try_send(nothing, 1), -EINVAL);
    CHECK_EQ(bine_send_until(nothing, 1, BINE_NOW), -EINVAL);
    CHECK_EQ(bine_recv(nothing, &value), -EINVAL);
    CHECK_EQ(bine_recv(nothing, NULL), -EINVAL);
    CHECK_EQ(bine_try_recv(nothing, &value), -EINVAL);
    CHECK_EQ(bine_chan_close(nothing), -EINVAL);
    CHECK_EQ(bine_chan_len(nothing), 0);
    CHECK_EQ(bine_chan_cap(nothing), 0);
    CHECK(!bine_chan_ref(nothing));
    bine_chan_unref(nothing);
    bine_chan_on_drop(nothing, (void (*)(int *))NULL);
    BINE_EACH (each, nothing)
        CHECK_EQ(each, 1);
    CHECK_EQ(value, 7);
    return 0;
}

static int check_tries(void)
{
    int value = 7;
    CHECK_EQ(bine_try_send(full, 1), -EAGAIN);
    CHECK_EQ(bine_send_until(full, 1, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_try_recv(empty, &value), -EAGAIN);
    CHECK_EQ(bine_recv_until(empty, &value, BINE_NOW), -EAGAIN);
    CHECK_EQ(value, 7);
    CHECK_EQ(bine_try_send(half, 9), 0);
    CHECK_EQ(bine_try_recv(half, NULL), 0);
    CHECK_EQ(bine_chan_len(half), 1);
    CHECK_EQ(bine_try_recv(closed, &value), -EPIPE);
    CHECK_EQ(bine_try_send(closed, value), -EPIPE);
    return 0;
}

static int check_own_deadline(void)
{
    int value = 7;
    bine_time past = bine_now();
    CHECK_EQ(bine_send_until(half, 3, past), 0);
    CHECK_EQ(bine_recv_until(half, &value, past), 0);
    CHECK_EQ(bine_send_until(half, 3, -5), 0);
    CHECK_EQ(bine_recv_until(half, &value, -5), 0);
    CHECK_EQ(bine_recv_until(closed, &value, past), -EPIPE);
    CHECK_EQ(value, 3);
    CHECK_EQ(bine_send_until(full, 1, past), -ETIMEDOUT);
    CHECK_EQ(bine_recv_until(empty, &value, past), -ETIMEDOUT);
    CHECK_EQ(bine_send_until(full, 1, -5), -ETIMEDOUT);
    bine_time soon = bine_after(BINE_MS(2));
    CHECK_EQ(bine_recv_until(empty, &value, soon), -ETIMEDOUT);
    CHECK(bine_now() >= soon);
    soon = bine_after(BINE_MS(2));
    CHECK_EQ(bine_send_until(full, 1, soon), -ETIMEDOUT);
    CHECK(bine_now() >= soon);
    CHECK_EQ(value, 3);
    return 0;
}

static int check_cancelled(void)
{
    int value = 7;
    while (bine_check() == 0)
        bine_yield();
    CHECK_EQ(bine_send(half, 1), -ECANCELED);
    CHECK_EQ(bine_recv(half, &value), -ECANCELED);
    CHECK_EQ(bine_send_until(half, 1, bine_now()), -ECANCELED);
    CHECK_EQ(bine_recv(closed, &value), -ECANCELED);
    CHECK_EQ(bine_send(closed, 1), -ECANCELED);
    BINE_EACH (each, half)
        CHECK_EQ(each, -1);
    check_null();
    check_tries();
    CHECK_EQ(value, 7);
    CHECK(!bine_shield(true));
    check_own_deadline();
    bine_shield(false);
    CHECK_EQ(bine_recv(half, &value), -ECANCELED);
    CHECK_EQ(bine_chan_len(half), 1);
    return 0;
}

static void make_all(void)
{
    full = bine_chan_make(int, 1);
    empty = bine_chan_make(int, 0);
    half = bine_chan_make(int, 2);
    closed = bine_chan_make(int, 1);
    CHECK(full && empty && half && closed);
    CHECK_EQ(bine_send(full, 1), 0);
    CHECK_EQ(bine_send(half, 1), 0);
    CHECK_EQ(bine_chan_close(closed), 0);
}

int main(void)
{
    make_all();
    check_null();
    check_tries();
    check_own_deadline();
    bine_run(check_null);
    bine_run(check_tries);
    bine_run(check_own_deadline);
    bine_future(int) cancelled = bine_async(check_cancelled);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 0);
    bine_chan_unref(full);
    bine_chan_unref(empty);
    bine_chan_unref(half);
    bine_chan_unref(closed);
    return 0;
}
