/*
 * the capacity and whether they are tasks or plain threads.
 */
#include "test_support/crowd.h"
#include <bine/chan.h>

enum { VALUES = 20000, WAITERS = 20 };

static bine_chan(int) ch;

static void send_all(int count)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(bine_send(ch, i), 0);
    CHECK_EQ(bine_chan_close(ch), 0);
}

static void receive_all(int count)
{
    int value = -1;
    for (int i = 0; i < count; i++) {
        CHECK_EQ(bine_recv(ch, &value), 0);
        CHECK_EQ(value, i);
    }
    CHECK_EQ(bine_recv(ch, &value), -EPIPE);
    CHECK_EQ(value, count - 1);
}

static void check_values(size_t capacity)
{
    int count = test_scaled(VALUES);
    ch = bine_chan_make(int, capacity);
    CHECK(ch);
    crowd_add_task(send_all, count);
    receive_all(count); /* a plain thread */
    bine_chan_unref(ch);
    ch = bine_chan_make(int, capacity);
    crowd_add_task(receive_all, count);
    send_all(count);
    crowd_join();
    bine_chan_unref(ch);
    ch = bine_chan_make(int, capacity);
    crowd_add_task(receive_all, count);
    crowd_add_task(send_all, count);
    crowd_join();
    bine_chan_unref(ch);
}

static void receive_one(int number)
{
    int value;
    CHECK_EQ(bine_recv(ch, &value), 0);
    CHECK_EQ(value, number);
}

static void send_one(int number)
{
    CHECK_EQ(bine_send(ch, number), 0);
}

/* Starts one after the other, each when those before it stand in line. */
static void line_up(void (*fn)(int))
{
    for (int i = 0; i < WAITERS; i++) {
        crowd_add_task(fn, i);
        test_until_parked((unsigned)i + 1);
    }
}

static void check_waiters(size_t capacity)
{
    int value;
    ch = bine_chan_make(int, capacity);
    line_up(receive_one);
    for (int i = 0; i < WAITERS; i++)
        CHECK_EQ(bine_send(ch, i), 0);
    crowd_join();
    for (size_t i = 0; i < capacity; i++)
        CHECK_EQ(bine_send(ch, -1), 0);
    line_up(send_one);
    for (size_t i = 0; i < capacity; i++)
        CHECK_EQ(bine_recv(ch, &value), 0);
    for (int i = 0; i < WAITERS; i++) {
        CHECK_EQ(bine_recv(ch, &value), 0);
        CHECK_EQ(value, i);
    }
    crowd_join();
    CHECK_EQ(bine_try_recv(ch, &value), -EAGAIN);
    bine_chan_unref(ch);
}

int main(void)
{
    check_values(0);
    check_values(1);
    check_values(100);
    check_values(BINE_UNBOUNDED);
    check_waiters(0);
    check_waiters(3);
    return 0;
}
