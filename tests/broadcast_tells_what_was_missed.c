/* A subscriber that is too slow gets the newest values that the channel has kept, and is told how
 * many came before them: received and missed add up to what was sent. */
#include "test_support/crowd.h"
#include <bine/broadcast.h>

enum { CAPACITY = 4, SUBSCRIBERS = 6, VALUES = 3000 };

static bine_broadcast(int) numbers;
static bine_subscriber(int) subscribers[SUBSCRIBERS];
static _Atomic int sent, missed_by_all;

static void check_next(bine_subscriber(int) subscriber, int number, int missed)
{
    int got = -1;
    uint64_t lost = 99;
    CHECK_EQ(bine_broadcast_try_recv(subscriber, &got, &lost), 0);
    CHECK_EQ(got, number);
    CHECK_EQ(lost, missed);
}

static void check_empty(bine_subscriber(int) subscriber)
{
    int got = -1;
    uint64_t lost = 99;
    CHECK_EQ(bine_broadcast_try_recv(subscriber, &got, &lost), -EAGAIN);
    CHECK_EQ(bine_broadcast_recv_until(subscriber, &got, &lost, bine_now()), -ETIMEDOUT);
    CHECK(got == -1 && lost == 99);
}

static void send(int from, int to)
{
    for (int i = from; i <= to; i++)
        CHECK_EQ(bine_broadcast_send(numbers, i), 0);
}

static void check_step_by_step(void)
{
    CHECK((numbers = bine_broadcast_make(int, CAPACITY)));
    send(1, 3); /* to nobody */
    bine_subscriber(int) one = bine_broadcast_subscribe(numbers);
    CHECK(one);
    check_empty(one);
    send(4, 5);
    bine_subscriber(int) two = bine_broadcast_subscribe(numbers);
    CHECK(two);
    check_empty(two);
    check_next(one, 4, 0);
    send(6, 10); /* 7 .. 10 are kept */
    check_next(one, 7, 2);
    check_next(one, 8, 0);
    send(11, 11);
    check_next(two, 8, 2);
    check_next(two, 9, 0);
    send(12, 20);                                          /* 17 .. 20 are kept */
    CHECK_EQ(bine_broadcast_try_recv(one, NULL, NULL), 0); /* 17 */
    check_next(one, 18, 0);
    check_next(one, 19, 0);
    check_next(one, 20, 0);
    check_empty(one);
    CHECK_EQ(bine_broadcast_close(numbers), 0);
    check_next(two, 17, 7);
    bine_broadcast_unsubscribe(two);
    CHECK_EQ(bine_broadcast_try_recv(one, NULL, NULL), -EPIPE);
    bine_broadcast_unsubscribe(one);
    bine_broadcast_unref(numbers);
}

static void receive_slowly(int number)
{
    uint64_t missed, sum = 0;
    int got, last = 0, error;
    if (number == 0)
        EVENTUALLY(sent > CAPACITY); /* so that some are missed */
    while ((error = bine_broadcast_recv(subscribers[number], &got, &missed)) == 0) {
        CHECK_EQ(got, last + 1 + (int)missed);
        last = got;
        sum += missed + 1;
        missed_by_all += (int)missed;
        if (number % 2)
            test_spin((unsigned)got % 500);
        if (got % 100 == number)
            CHECK_EQ(bine_sleep(BINE_US(20)), 0);
    }
    CHECK_EQ(error, -EPIPE);
    CHECK_EQ(last, test_scaled(VALUES));
    CHECK_EQ((int)sum, test_scaled(VALUES));
}

static void check_many(void)
{
    CHECK((numbers = bine_broadcast_make(int, CAPACITY)));
    for (int i = 0; i < SUBSCRIBERS; i++)
        CHECK((subscribers[i] = bine_broadcast_subscribe(numbers)));
    crowd_start_mixed(receive_slowly, SUBSCRIBERS);
    for (int i = 1; i <= test_scaled(VALUES); i++) {
        send(i, i);
        sent = i;
        if (i % 3 == 0)
            sched_yield();
    }
    bine_broadcast_unref(numbers); /* the last handle: closes it */
    crowd_join();
    CHECK(missed_by_all > 0);
    for (int i = 0; i < SUBSCRIBERS; i++)
        bine_broadcast_unsubscribe(subscribers[i]);
}

int main(void)
{
    check_step_by_step();
    check_many();
    return 0;
}
