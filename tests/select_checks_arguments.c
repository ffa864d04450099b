/*
 * Counts out of range, kinds there are none of and missing cases give -EINVAL; then come
 * cancellation and deadlines around; a try never waits; without a live case there is nothing but
 * the deadline or a cancellation to end the wait.
 */
#include "test.h"
#include <bine/select.h>

enum { MOST = 65536 };

static int check_arguments(void)
{
    bine_case none[2] = {BINE_OFF, {.kind = (enum bine_case_kind)99}};
    bine_case *many = calloc(MOST + 1, sizeof(*many));
    CHECK(many);
    CHECK_EQ(bine_select(none, -1), -EINVAL);
    CHECK_EQ(bine_select(none, INT32_MIN), -EINVAL);
    CHECK_EQ(bine_select(many, MOST + 1), -EINVAL);
    CHECK_EQ(bine_try_select(many, MOST + 1), -EINVAL);
    CHECK_EQ(bine_try_select(many, MOST), -EAGAIN);
    CHECK_EQ(bine_select_until(NULL, 1, BINE_NOW), -EINVAL);
    CHECK_EQ(bine_select_until(none, 2, BINE_NOW), -EINVAL);
    CHECK_EQ(bine_try_select(NULL, 0), -EAGAIN);
    free(many);
    return 0;
}

static int check_nothing_live(void)
{
    bine_chan(int) no_channel = NULL;
    bine_future(int) no_future = NULL;
    int value = 1;
    bine_case cases[] = {
        BINE_OFF,
        BINE_RECV(no_channel, &value),
        BINE_SEND(no_channel, 1),
        BINE_ENDED(no_future),
        BINE_SET(NULL),
        BINE_READY(-1, 1),
    };
    CHECK_EQ(bine_try_select(cases, 6), -EAGAIN);
    CHECK_EQ(bine_select_until(cases, 6, BINE_NOW), -EAGAIN);
    bine_time soon = bine_after(BINE_MS(1));
    CHECK_EQ(bine_select_until(cases, 6, soon), -ETIMEDOUT);
    CHECK(bine_now() >= soon);
    CHECK_EQ(bine_select_until(cases, 0, bine_now()), -ETIMEDOUT);
    return 0;
}

static int wait_for_ever(int count)
{
    bine_chan(int) ch = bine_chan_make(int, 0);
    int value;
    bine_case cases[] = {BINE_OFF, BINE_RECV(ch, &value)};
    int result = bine_select(cases, count);
    CHECK_EQ(bine_try_select(cases, count), -EAGAIN); /* a try does not mind */
    CHECK_EQ(bine_select(cases, -1), -EINVAL);
    CHECK_EQ(bine_select(cases, count), -ECANCELED);
    CHECK_EQ(bine_select_until(cases, count, bine_now()), -ECANCELED);
    bine_chan_unref(ch);
    return result;
}

static void check_cancel(int count)
{
    bine_future(int) waits = bine_async(wait_for_ever, count);
    test_until_parked(1);
    CHECK_EQ(bine_await_any_until(&waits, 1, BINE_NOW), -EAGAIN);
    bine_cancel(waits);
    CHECK_EQ(bine_await(waits), -ECANCELED);
}

/* What can be done at once is done even when the deadline has passed. */
static int check_own_deadline(void)
{
    bine_chan(int) ch = bine_chan_make(int, 1);
    int value = 0;
    bine_case send[] = {BINE_SEND(ch, 5)}, receive[] = {BINE_RECV(ch, &value)};
    CHECK_EQ(bine_select_until(send, 1, bine_now()), 0);
    CHECK_EQ(bine_select_until(send, 1, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_select_until(receive, 1, -1), 0);
    CHECK_EQ(value, 5);
    CHECK_EQ(bine_select_until(receive, 1, -1), -ETIMEDOUT);
    bine_chan_unref(ch);
    return 0;
}

int main(void)
{
    CHECK_EQ(check_arguments(), 0);
    CHECK_EQ(check_nothing_live(), 0);
    CHECK_EQ(check_own_deadline(), 0);
    CHECK_EQ(bine_run(check_arguments), 0);
    CHECK_EQ(bine_run(check_nothing_live), 0);
    CHECK_EQ(bine_run(check_own_deadline), 0);
    for (int count = 0; count <= 2; count++)
        check_cancel(count);
    return 0;
}
