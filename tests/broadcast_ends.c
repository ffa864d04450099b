/* A broadcast channel that is closed refuses values and lets subscribers receive what is left; the
 * last handle closes it. NULL and numbers out of range are refused. */
#include "test.h"
#include <bine/broadcast.h>

static bine_broadcast(long) channel;

static int receive(bine_subscriber(long) subscriber)
{
    return bine_broadcast_recv(subscriber, NULL, NULL);
}

static void check_close_wakes(bool by_unref)
{
    bine_future(int) waiters[3];
    bine_subscriber(long) subscribers[3];
    CHECK((channel = bine_broadcast_make(long, 1)));
    bine_broadcast(long) second = bine_broadcast_ref(channel);
    CHECK(second == channel);
    for (int i = 0; i < 3; i++) {
        CHECK((subscribers[i] = bine_broadcast_subscribe(channel)));
        CHECK((waiters[i] = bine_async(receive, subscribers[i])));
    }
    test_until_parked(3);
    bine_broadcast_unref(second);
    if (by_unref)
        bine_broadcast_unref(channel);
    else
        CHECK_EQ(bine_broadcast_close(channel), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(bine_await(waiters[i]), -EPIPE);
        bine_broadcast_unsubscribe(subscribers[i]);
    }
    if (!by_unref) {
        CHECK_EQ(bine_broadcast_close(channel), -EPIPE);
        CHECK_EQ(bine_broadcast_send(channel, 1), -EPIPE);
        bine_subscriber(long) late = bine_broadcast_subscribe(channel);
        CHECK_EQ(bine_broadcast_recv(late, NULL, NULL), -EPIPE);
        bine_broadcast_unsubscribe(late);
        bine_broadcast_unref(channel);
    }
}

static void check_null(void)
{
    bine_broadcast(long) none = NULL;
    bine_subscriber(long) nobody = NULL;
    long value;
    CHECK(bine_broadcast_ref(none) == NULL);
    bine_broadcast_unref(none);
    bine_broadcast_on_drop(none, NULL);
    bine_broadcast_on_copy(none, NULL);
    CHECK_EQ(bine_broadcast_send(none, 1), -EINVAL);
    CHECK_EQ(bine_broadcast_close(none), -EINVAL);
    errno = 0;
    CHECK(bine_broadcast_subscribe(none) == NULL);
    CHECK_EQ(errno, EINVAL);
    bine_broadcast_unsubscribe(nobody);
    CHECK_EQ(bine_broadcast_recv(nobody, &value, NULL), -EINVAL);
    CHECK_EQ(bine_broadcast_try_recv(nobody, &value, NULL), -EINVAL);
    errno = 0;
    CHECK(bine_broadcast_make(long, 0) == NULL);
    CHECK_EQ(errno, EINVAL);
    errno = 0;
    CHECK(bine_broadcast_make(long, SIZE_MAX) == NULL);
    CHECK_EQ(errno, ENOMEM);
}

/* A task that is cancelled, or late, gets no value, and a value is there for the next receive. */
static int receive_cancelled(bine_subscriber(long) subscriber)
{
    while (bine_check() == 0)
        bine_yield();
    CHECK_EQ(bine_broadcast_recv(subscriber, NULL, NULL), -ECANCELED);
    long value = 0;
    CHECK_EQ(bine_broadcast_try_recv(subscriber, &value, NULL), 0);
    return (int)value;
}

static void check_giving_up(void)
{
    long value = 0;
    CHECK((channel = bine_broadcast_make(long, 3)));
    bine_subscriber(long) subscriber = bine_broadcast_subscribe(channel);
    CHECK_EQ(bine_broadcast_recv_until(subscriber, &value, NULL, BINE_NOW), -EAGAIN);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(bine_broadcast_recv_until(subscriber, &value, NULL, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);
    CHECK_EQ(bine_broadcast_send(channel, 7), 0);
    bine_future(int) cancelled = bine_async(receive_cancelled, subscriber);
    CHECK(cancelled);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 7);
    bine_future(int) waiting = bine_async(receive, subscriber);
    test_until_parked(1);
    bine_cancel(waiting);
    CHECK_EQ(bine_await(waiting), -ECANCELED);
    CHECK_EQ(bine_broadcast_send(channel, 8), 0);
    CHECK_EQ(bine_broadcast_recv_until(subscriber, &value, NULL, bine_now()), 0);
    CHECK_EQ(value, 8);
    bine_broadcast_unsubscribe(subscriber);
    bine_broadcast_unref(channel);
}

int main(void)
{
    check_close_wakes(false);
    check_close_wakes(true);
    check_null();
    check_giving_up();
    return 0;
}
