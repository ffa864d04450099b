/*
 * A box belongs to who receives it from a channel, however it is received: at once, after a wait,
 * in a loop, by select, or by the callback that drops what nobody received; and stays the sender's
 * where the send fails. Who keeps a copy and uses it is stopped.
 */
#define BINE_DEBUG 1
#include "test_support/child.h"
#include <bine/box.h>
#include <bine/chan.h>
#include <bine/select.h>

struct page {
    int number;
};

typedef bine_chan(bine_box(struct page)) page_chan;

static int dropped;

static bine_box(struct page) make(int number)
{
    bine_box(struct page) box = bine_box_make(struct page);
    CHECK(box);
    bine_box_get(box)->number = number;
    return box;
}

static void drop(bine_box(struct page) * box)
{
    bine_box_free(*box);
    dropped++;
}

static int receive(page_chan ch)
{
    bine_box(struct page) box = NULL;
    CHECK_EQ(bine_recv(ch, &box), 0);
    int number = bine_box_get(box)->number;
    bine_box_free(box);
    return number;
}

static int receive_by_select(page_chan ch)
{
    bine_box(struct page) box = NULL;
    bine_case cases[] = {BINE_OFF, BINE_RECV(ch, &box)};
    CHECK_EQ(bine_select(cases, 2), 1);
    int number = bine_box_get(box)->number;
    bine_box_free(box);
    return number;
}

static int receive_all(page_chan ch)
{
    int sum = 0;
    BINE_EACH (box, ch) {
        sum += bine_box_get(box)->number;
        bine_box_free(box);
    }
    return sum;
}

static void send(page_chan ch, int number)
{
    bine_box(struct page) box = make(number);
    CHECK_EQ(bine_send_move(ch, &box), 0);
    CHECK(!box);
}

/* To others, and to itself: by a full channel, and by one that hands over. */
static int check_ways(void)
{
    int (*const ways[])(page_chan) = {receive, receive_by_select};
    for (int i = 0; i < 8; i++) {
        page_chan ch = bine_chan_make(bine_box(struct page), (size_t)(i / 4));
        CHECK(ch);
        bine_future(int) receiver = bine_async(ways[i % 2], ch);
        if (i / 2 % 2)
            test_until_parked(1);
        send(ch, 7);
        CHECK_EQ(bine_await(receiver), 7);
        if (i / 4) {
            send(ch, 8);
            CHECK_EQ(ways[i % 2](ch), 8);
        }
        bine_chan_unref(ch);
    }
    page_chan ch = bine_chan_make(bine_box(struct page), BINE_UNBOUNDED);
    for (int i = 1; i <= 4; i++)
        send(ch, i);
    CHECK_EQ(bine_chan_close(ch), 0);
    CHECK_EQ(receive_all(ch), 10);
    bine_box(struct page) box = make(5);
    CHECK_EQ(bine_send_move(ch, &box), -EPIPE);
    CHECK_EQ(bine_box_get(box)->number, 5); /* still ours */
    bine_box_free(box);
    bine_chan_unref(ch);

    ch = bine_chan_make(bine_box(struct page), 2);
    bine_chan_on_drop(ch, drop);
    dropped = 0;
    send(ch, 1);
    send(ch, 2);
    bine_chan_unref(ch);
    CHECK_EQ(dropped, 2);
    return 0;
}

static bine_box(struct page) copy;
static _Atomic bool received;

static void receive_and_stay(page_chan ch)
{
    bine_box(struct page) box = NULL;
    bine_set_name("reader");
    CHECK_EQ(bine_recv(ch, &box), 0);
    received = true;
    bine_sleep_until(BINE_NEVER);
}

static void use_copy(void)
{
    page_chan ch = bine_chan_make(bine_box(struct page), 1);
    bine_set_name("writer");
    bine_box(struct page) box = make(1);
    copy = box;
    CHECK_EQ(bine_go(receive_and_stay, ch), 0);
    CHECK_EQ(bine_send_move(ch, &box), 0);
    EVENTUALLY(received);
    bine_box_get(copy)->number = 2;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        (void)argv;
        bine_await(bine_async(use_copy));
        return 0;
    }
    struct child *child = child_run("misuse");
    CHECK_STOPPED(child, "bine_box_get: the box belongs to task");
    CHECK_STOPPED(child, "'reader'");
    CHECK_STOPPED(child, "'writer' sent it over channel 0x");
    check_ways();
    CHECK_EQ(bine_await(bine_async(check_ways)), 0);
    return 0;
}
