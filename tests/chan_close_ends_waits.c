/* Closing ends the waits of senders, and of receivers once the channel is drained; what was sent
 * before is still received. A second close says that it is one. */
#include "test_support/crowd.h"
#include <bine/chan.h>

enum { WAITERS = 8, CAPACITY = 5 };

static bine_chan(int) ch;
static _Atomic int broken;

static void send_in_vain(int number)
{
    int value = number;
    CHECK_EQ(bine_send(ch, value), -EPIPE);
    CHECK_EQ(value, number);
    broken++;
}

static void receive_in_vain(int number)
{
    int value = number;
    CHECK_EQ(bine_recv(ch, &value), -EPIPE);
    CHECK_EQ(value, number);
    broken++;
}

static void check_closed(void)
{
    int value = 42;
    bine_time later = bine_after(BINE_S(100));
    CHECK_EQ(bine_chan_close(ch), -EPIPE);
    CHECK_EQ(bine_send(ch, 1), -EPIPE);
    CHECK_EQ(bine_try_send(ch, 1), -EPIPE);
    CHECK_EQ(bine_send_until(ch, 1, later), -EPIPE);
    CHECK_EQ(bine_recv(ch, &value), -EPIPE);
    CHECK_EQ(bine_try_recv(ch, &value), -EPIPE);
    CHECK_EQ(bine_recv_until(ch, &value, later), -EPIPE);
    CHECK_EQ(bine_recv(ch, NULL), -EPIPE);
    CHECK_EQ(value, 42);
    bine_chan_unref(ch);
}

static void check_senders(size_t capacity)
{
    broken = 0;
    ch = bine_chan_make(int, capacity);
    for (size_t i = 0; i < capacity; i++)
        CHECK_EQ(bine_send(ch, (int)i), 0);
    crowd_start_mixed(send_in_vain, WAITERS);
    test_until_parked(WAITERS - WAITERS / 4);
    CHECK_EQ(broken, 0);
    CHECK_EQ(bine_chan_close(ch), 0);
    crowd_join();
    CHECK_EQ(broken, WAITERS);
    CHECK_EQ(bine_chan_len(ch), capacity);
    for (size_t i = 0; i < capacity; i++) {
        int value = -1;
        CHECK_EQ(bine_recv(ch, &value), 0);
        CHECK_EQ(value, (int)i);
    }
    check_closed();
}

static void check_receivers(size_t capacity)
{
    broken = 0;
    ch = bine_chan_make(int, capacity);
    crowd_start_mixed(receive_in_vain, WAITERS);
    test_until_parked(WAITERS - WAITERS / 4);
    CHECK_EQ(broken, 0);
    CHECK_EQ(bine_chan_close(ch), 0);
    crowd_join();
    CHECK_EQ(broken, WAITERS);
    check_closed();
}

static void check_unbounded(void)
{
    ch = bine_chan_make(int, BINE_UNBOUNDED);
    for (int i = 0; i < 5000; i++)
        CHECK_EQ(bine_send(ch, i), 0);
    CHECK_EQ(bine_chan_close(ch), 0);
    int next = 0;
    BINE_EACH (value, ch)
        CHECK_EQ(value, next++);
    CHECK_EQ(next, 5000);
    check_closed();
}

int main(void)
{
    check_senders(0);
    check_senders(CAPACITY);
    check_receivers(0);
    check_receivers(CAPACITY);
    check_receivers(BINE_UNBOUNDED);
    check_unbounded();
    return 0;
}
