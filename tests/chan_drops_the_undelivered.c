/*
 * on_drop sees each value that nobody received, once and in order, when the last reference goes;
 * never one that was received, thrown away by a receiver, or not sent. bine_send_move takes the
 * pointer away from who sent it, and only then.
 */
#include "test_support/crowd.h"
#include <bine/chan.h>

enum { VALUES = 1000, TAKEN = 300 };

struct item {
    int number;
};

static int next_dropped, live;

static struct item *new_item(int number)
{
    struct item *item = malloc(sizeof(*item));
    CHECK(item);
    item->number = number;
    live++;
    return item;
}

static void free_item(struct item *item)
{
    live--;
    free(item);
}

static void drop_item(struct item **item)
{
    CHECK_EQ((*item)->number, next_dropped++);
    free_item(*item);
}

static void check_moves(size_t capacity)
{
    bine_chan(struct item *) ch = bine_chan_make(struct item *, capacity);
    bine_chan_on_drop(ch, drop_item);
    for (int i = 0; i < VALUES; i++) {
        struct item *item = new_item(i);
        CHECK_EQ(bine_send_move(ch, &item), 0);
        CHECK(!item);
    }
    for (int i = 0; i < TAKEN; i++) {
        struct item *item;
        CHECK_EQ(bine_recv(ch, &item), 0);
        CHECK_EQ(item->number, i);
        free_item(item);
    }
    struct item *kept = new_item(-1), *same = kept;
    CHECK_EQ(bine_chan_close(ch), 0);
    CHECK_EQ(bine_send_move(ch, &kept), -EPIPE);
    CHECK(kept == same);
    free_item(kept);
    bine_chan(struct item *) other = bine_chan_ref(ch);
    CHECK(other == ch);
    next_dropped = TAKEN;
    bine_chan_unref(ch);
    CHECK_EQ(next_dropped, TAKEN);
    bine_chan_unref(other);
    CHECK_EQ(next_dropped, VALUES);
    CHECK_EQ(live, 0);
}

static void drop_never(int *value)
{
    CHECK_EQ(*value, -1); /* there is none such */
}

static void check_nothing_left(size_t capacity)
{
    int value;
    bine_chan(int) ch = bine_chan_make(int, capacity);
    bine_chan_on_drop(ch, drop_never);
    for (int i = 0; i < 5000; i++) {
        CHECK_EQ(bine_send(ch, i), 0);
        CHECK_EQ(i % 2 ? bine_recv(ch, &value) : bine_recv(ch, NULL), 0);
    }
    bine_chan_unref(ch);
}

struct wide {
    _Alignas(64) char bytes[192];
};

static int wide_dropped;

static void drop_wide(struct wide *wide)
{
    CHECK_EQ((uintptr_t)wide % _Alignof(struct wide), 0);
    CHECK_EQ(wide->bytes[191], wide_dropped % 100);
    wide_dropped++;
}

static void check_alignment(size_t capacity)
{
    bine_chan(struct wide) ch = bine_chan_make(struct wide, capacity);
    bine_chan_on_drop(ch, drop_wide);
    for (int i = 0; i < 300; i++) {
        struct wide wide;
        wide.bytes[191] = (char)(i % 100);
        CHECK_EQ(bine_send(ch, wide), 0);
    }
    wide_dropped = 0;
    bine_chan_unref(ch);
    CHECK_EQ(wide_dropped, 300);
}

static bine_chan(struct item *) handed;

static void receive_moved(int count)
{
    for (int i = 0; i < count; i++) {
        struct item *item;
        CHECK_EQ(bine_recv(handed, &item), 0);
        CHECK_EQ(item->number, i);
        free(item);
    }
}

static void check_handed_over(void)
{
    handed = bine_chan_make(struct item *, 0);
    crowd_add_task(receive_moved, VALUES);
    for (int i = 0; i < VALUES; i++) {
        struct item *item = new_item(i);
        CHECK_EQ(bine_send_move(handed, &item), 0);
        CHECK(!item);
    }
    crowd_join();
    live -= VALUES;
    bine_chan_unref(handed);
    CHECK_EQ(live, 0);
}

int main(void)
{
    int number = 5, *pointer = &number;
    bine_chan(int *) nothing = NULL;
    check_moves(VALUES);
    check_moves(BINE_UNBOUNDED);
    check_nothing_left(1);
    check_nothing_left(3);
    check_nothing_left(BINE_UNBOUNDED);
    check_alignment(300);
    check_alignment(BINE_UNBOUNDED);
    check_handed_over();
    CHECK_EQ(bine_send_move(nothing, &pointer), -EINVAL);
    CHECK(pointer == &number);
    return 0;
}
