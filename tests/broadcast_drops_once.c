/*
 * Values that own something: each subscriber's copy has a reference of its own, and the channel
 * gives its own up once: when all have received the value, when it must make room, when the last to
 * receive it leaves, and when nobody is there.
 */
#include "test_support/crowd.h"
#include <bine/broadcast.h>

enum { SUBSCRIBERS = 6, SENDERS = 3, EACH = 3000 };

struct thing {
    _Atomic int references;
    int number;
};

static _Atomic int living, copied, released;

static struct thing *make(int number)
{
    struct thing *thing = malloc(sizeof(*thing));
    CHECK(thing);
    *thing = (struct thing){1, number};
    living++;
    return thing;
}

static void take_reference(struct thing **thing)
{
    CHECK((*thing)->references++ > 0);
    copied++;
}

static void release(struct thing **thing)
{
    int left = --(*thing)->references;
    CHECK(left >= 0);
    released++;
    if (left == 0) {
        living--;
        free(*thing);
    }
}

static bine_broadcast(struct thing *) make_channel(size_t capacity)
{
    bine_broadcast(struct thing *) channel = bine_broadcast_make(struct thing *, capacity);
    CHECK(channel);
    bine_broadcast_on_copy(channel, take_reference);
    bine_broadcast_on_drop(channel, release);
    return channel;
}

static bine_broadcast(struct thing *) things;

static void send_one(int number)
{
    CHECK_EQ(bine_broadcast_send(things, make(number)), 0);
}

static void receive_one(bine_subscriber(struct thing *) subscriber, int number)
{
    struct thing *thing = NULL;
    CHECK_EQ(bine_broadcast_recv(subscriber, &thing, NULL), 0);
    CHECK_EQ(thing->number, number);
    release(&thing);
}

static void check_step_by_step(void)
{
    things = make_channel(2);
    send_one(1);
    CHECK_EQ(living, 0); /* nobody is there */
    bine_subscriber(struct thing *) one = bine_broadcast_subscribe(things);
    bine_subscriber(struct thing *) two = bine_broadcast_subscribe(things);
    send_one(2);
    receive_one(one, 2);
    CHECK_EQ(living, 1);
    receive_one(two, 2);
    CHECK_EQ(living, 0); /* all have it */
    for (int i = 3; i <= 5; i++)
        send_one(i);
    CHECK_EQ(living, 2); /* 3 had to make room */
    receive_one(one, 4);
    CHECK_EQ(living, 2);
    bine_broadcast_unsubscribe(two);
    CHECK_EQ(living, 1); /* nobody else was to receive 4 */
    CHECK_EQ(bine_broadcast_recv(one, NULL, NULL), 0);
    CHECK_EQ(living, 0);
    send_one(6);
    bine_broadcast_close(things);
    struct thing *refused = make(7);
    CHECK_EQ(bine_broadcast_send(things, refused), -EPIPE);
    CHECK_EQ(living, 2);
    release(&refused); /* still the sender's */
    bine_broadcast_unref(things);
    CHECK_EQ(living, 1);
    bine_broadcast_unsubscribe(one);
    CHECK_EQ(living, 0);
}

/* One who is far behind leaves: all that was kept for him goes. */
static void check_many_left_behind(void)
{
    things = make_channel(1000);
    bine_subscriber(struct thing *) idle = bine_broadcast_subscribe(things);
    bine_subscriber(struct thing *) busy = bine_broadcast_subscribe(things);
    for (int i = 0; i < 1000; i++)
        send_one(i);
    for (int i = 0; i < 900; i++)
        receive_one(busy, i);
    CHECK_EQ(living, 1000);
    bine_broadcast_unsubscribe(idle);
    CHECK_EQ(living, 100);
    receive_one(busy, 900);
    bine_broadcast_unsubscribe(busy);
    CHECK_EQ(living, 0);
    bine_broadcast_unref(things);
}

static _Atomic int senders_left, came;

static void send_often(int sender)
{
    EVENTUALLY(came >= SUBSCRIBERS - 1); /* all that receive */
    for (int i = 0; i < test_scaled(EACH); i++) {
        send_one(sender);
        if (i % 8 == 0)
            bine_yield();
    }
    if (--senders_left == 0)
        CHECK_EQ(bine_broadcast_close(things), 0);
}

static void come_and_go(int number)
{
    int error = 0;
    while (error == 0) {
        bine_subscriber(struct thing *) subscriber = bine_broadcast_subscribe(things);
        CHECK(subscriber);
        came += number > 0;
        for (int i = 0; i < 20 * number && error == 0; i++) {
            struct thing *thing = NULL;
            error = bine_broadcast_recv(subscriber, &thing, NULL);
            if (error == 0)
                release(&thing);
        }
        if (number == 0)
            error = senders_left ? 0 : -EPIPE;
        bine_broadcast_unsubscribe(subscriber);
        bine_yield();
    }
    CHECK_EQ(error, -EPIPE);
}

static void play(int number)
{
    if (number < SENDERS)
        send_often(number);
    else
        come_and_go(number - SENDERS);
}

static void check_many(void)
{
    things = make_channel(8);
    senders_left = SENDERS;
    copied = released = came = 0;
    crowd_start_mixed(play, SENDERS + SUBSCRIBERS);
    crowd_join();
    bine_broadcast_unref(things);
    CHECK_EQ(living, 0);
    CHECK(copied > 0);
    CHECK_EQ(released, copied + SENDERS * test_scaled(EACH));
}

int main(void)
{
    check_step_by_step();
    check_many_left_behind();
    check_many();
    return 0;
}
