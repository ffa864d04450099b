/* A one-shot channel delivers one value once, tells each end when the other is gone, and drops the
 * value that nobody receives; sends, receives and drops race. */
#include "test_support/crowd.h"
#include "test_support/line.h"
#include <bine/oneshot.h>

enum { ROUNDS = 30000, PLAYERS = 6 };

struct value {
    int number;
    char rest[100];
};

static _Atomic int dropped;

static void drop(struct value *value)
{
    CHECK_EQ(value->rest[50], (char)value->number);
    dropped++;
}

static struct value numbered(int number)
{
    struct value made = {number, ""};
    memset(made.rest, number, sizeof(made.rest));
    return made;
}

static int receive(bine_oneshot_receiver(struct value) receiver)
{
    struct value value = {-1, ""};
    int error = bine_oneshot_recv(receiver, &value);
    if (error)
        return error;
    CHECK_EQ(value.rest[99], (char)value.number);
    return value.number;
}

static void check_step_by_step(void)
{
    bine_oneshot_sender(struct value) sender;
    bine_oneshot_receiver(struct value) receiver;
    struct value value = {-1, ""};

    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0); /* sent, then received */
    bine_oneshot_on_drop(sender, drop);
    CHECK_EQ(bine_oneshot_try_recv(receiver, &value), -EAGAIN);
    CHECK_EQ(bine_oneshot_recv_until(receiver, &value, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_oneshot_recv_until(receiver, &value, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(value.number, -1);
    CHECK_EQ(bine_oneshot_send(sender, numbered(1)), 0);
    CHECK_EQ(bine_oneshot_send(sender, numbered(2)), -EPIPE);
    bine_oneshot_drop_sender(sender);
    CHECK_EQ(bine_oneshot_recv(receiver, &value), 0);
    CHECK_EQ(value.number, 1);
    CHECK_EQ(bine_oneshot_recv(receiver, &value), -EPIPE);
    bine_oneshot_drop_receiver(receiver);
    CHECK_EQ(dropped, 0);

    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0); /* waited for, by a cancelled one, too */
    bine_future(int) waiting = bine_async(receive, receiver);
    line_until(receiver, 1);
    bine_cancel(waiting);
    CHECK_EQ(bine_await(waiting), -ECANCELED);
    waiting = bine_async(receive, receiver);
    line_until(receiver, 1);
    CHECK_EQ(bine_oneshot_send(sender, numbered(3)), 0);
    bine_cancel(waiting); /* too late */
    CHECK_EQ(bine_await(waiting), 3);
    bine_oneshot_drop_receiver(receiver);
    CHECK_EQ(bine_oneshot_send(sender, numbered(4)), -EPIPE);
    bine_oneshot_drop_sender(sender);

    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0); /* the sender goes */
    waiting = bine_async(receive, receiver);
    line_until(receiver, 1);
    bine_oneshot_drop_sender(sender);
    CHECK_EQ(bine_await(waiting), -EPIPE);
    bine_oneshot_drop_receiver(receiver);

    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0); /* sent, and not received */
    bine_oneshot_on_drop(sender, drop);
    CHECK_EQ(bine_oneshot_send(sender, numbered(5)), 0);
    bine_oneshot_drop_receiver(receiver);
    CHECK_EQ(dropped, 1);
    bine_oneshot_drop_sender(sender);
    CHECK_EQ(dropped, 1);

    CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0); /* received by nobody's variable */
    bine_oneshot_on_drop(sender, drop);
    CHECK_EQ(bine_oneshot_send(sender, numbered(6)), 0);
    CHECK_EQ(bine_oneshot_recv(receiver, NULL), 0);
    CHECK_EQ(dropped, 2);
    bine_oneshot_drop_sender(sender);
    bine_oneshot_drop_receiver(receiver);

    sender = NULL;
    receiver = NULL;
    bine_oneshot_on_drop(sender, drop);
    CHECK_EQ(bine_oneshot_send(sender, numbered(7)), -EINVAL);
    CHECK_EQ(bine_oneshot_recv(receiver, &value), -EINVAL);
    CHECK_EQ(bine_oneshot_try_recv(receiver, &value), -EINVAL);
    bine_oneshot_drop_sender(sender);
    bine_oneshot_drop_receiver(receiver);
    CHECK_EQ(dropped, 2);
}

static _Atomic int sent, received;

static void send_or_not(bine_oneshot_sender(struct value) sender, int round)
{
    test_spin((unsigned)round % 100);
    if (round % 4 != 3)
        sent += bine_oneshot_send(sender, numbered(round % 100)) == 0;
    bine_oneshot_drop_sender(sender);
}

static void race(int player)
{
    for (int i = player; i < test_scaled(ROUNDS); i += PLAYERS) {
        bine_oneshot_sender(struct value) sender;
        bine_oneshot_receiver(struct value) receiver;
        struct value value;
        CHECK_EQ(bine_oneshot_make(&sender, &receiver), 0);
        bine_oneshot_on_drop(sender, drop);
        CHECK_EQ(bine_go(send_or_not, sender, i), 0);
        if (i % 3 == 0) {
            int result = bine_oneshot_recv(receiver, &value);
            CHECK_EQ(result, i % 4 == 3 ? -EPIPE : 0);
            received += result == 0;
        } else if (i % 3 == 1) {
            bine_time deadline = bine_after((bine_time)(i * 37 % 20000));
            received += bine_oneshot_recv_until(receiver, &value, deadline) == 0;
        } else if (i % 2) {
            bine_yield();
        }
        bine_oneshot_drop_receiver(receiver);
    }
}

int main(void)
{
    check_step_by_step();
    dropped = 0;
    crowd_start_mixed(race, PLAYERS);
    crowd_join();
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK(sent > 0 && received > 0 && dropped > 0);
    CHECK_EQ(sent, received + dropped);
    return 0;
}
