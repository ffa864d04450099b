/*
 * A box is used by its owner alone, whoever has a copy of the pointer; a use by another stops the
 * program with a message that names both tasks and the channel. Channels are played here: they tell
 * of a box by the same calls.
 */
#define BINE_DEBUG 1
#include "test_support/child.h"
#include <bine/box.h>
#include "chan/box.h"

struct page {
    int number;
    char text[100];
};

static bine_box(struct page) kept; /* the copy that the sender should have forgotten */
static struct bine_chan *const channel = (struct bine_chan *)0x7ab1e;
static _Atomic bool received, done;

static bine_box(struct page) make(int number)
{
    bine_box(struct page) box = bine_box_make(struct page);
    CHECK(box);
    CHECK(bine_box_get(box)->number == 0 && bine_box_get(box)->text[99] == 0);
    bine_box_get(box)->number = number;
    return box;
}

static void send(bine_box(struct page) box)
{
    kept = box;
    bine_box_sent_((const void *)box, channel);
}

static void receive(void)
{
    bine_box(struct page) box = kept;
    box_leave_channel(&box, sizeof(box));
    CHECK_EQ(bine_box_get(box)->number, 7);
}

static void receive_and_stay(void)
{
    bine_set_name("reader");
    receive();
    received = true;
    EVENTUALLY(done);
}

static void use_after_send(void)
{
    bine_set_name("writer");
    send(make(7));
    bine_box_get(kept)->number = 8;
}

static void start_reader(void)
{
    CHECK_EQ(bine_go(receive_and_stay), 0);
    EVENTUALLY(received);
}

static void use_after_receive(void)
{
    bine_set_name("writer");
    send(make(7));
    start_reader();
    bine_box_get(kept)->number = 8;
}

static void free_after_receive(void)
{
    bine_set_name("writer");
    send(make(7));
    start_reader();
    bine_box_free(kept);
}

static void send_twice(void)
{
    bine_set_name("writer");
    send(make(7));
    start_reader();
    send(kept);
}

static void receive_and_free(void)
{
    bine_set_name("reader");
    receive();
    bine_box_free(kept);
}

static void use_after_free(void)
{
    bine_set_name("writer");
    send(make(7));
    bine_await(bine_async(receive_and_free));
    bine_box_get(kept)->number = 8;
}

static void use_given(void)
{
    bine_set_name("reader");
    CHECK_EQ(bine_box_get(kept)->number, 7);
}

static void use_given_and_give(void)
{
    use_given();
    kept = bine_box_give(&kept);
}

static void use_after_give(void)
{
    bine_set_name("writer");
    bine_box(struct page) box = make(7);
    kept = bine_box_give(&box);
    CHECK(!box);
    bine_await(bine_async(use_given));
    bine_box_get(kept)->number = 8;
}

static void use_what_was_never_sent(void)
{
    bine_set_name("reader");
    kept = make(7);
    bine_set_name("writer");
    bine_await(bine_async(use_given));
}

static const struct {
    void (*misuse)(void);
    const char *call, *said[3];
} cases[] = {
    {use_after_send, "bine_box_get", {"'writer' sent it over channel 0x7ab1e", "on its way", ""}},
    {use_after_receive, "bine_box_get", {"'writer' sent it over channel 0x7ab1e", "'reader'", ""}},
    {free_after_receive, "bine_box_free", {"over channel 0x7ab1e", "'reader'", "'writer'"}},
    {send_twice, "bine_send_move", {"over channel 0x7ab1e", "'reader'", "'writer'"}},
    {use_after_free, "bine_box_get", {"freed by task", "'reader'", "'writer' sent it over"}},
    {use_after_give, "bine_box_get", {"'writer' gave it", "'reader'", ""}},
    {use_what_was_never_sent, "bine_box_get", {"belongs to task", "'reader'", ""}},
};

static void check_misuse(int i)
{
    char mode[16];
    snprintf(mode, sizeof(mode), "%d", i);
    struct child *child = child_run(mode);
    CHECK_STOPPED(child, cases[i].call);
    for (int j = 0; j < 3; j++)
        CHECK_STOPPED(child, cases[i].said[j]);
}

/* Passed on rightly: by a channel, to itself as well, by a send that fails, and by bine_box_give.
 */
static int use_rightly(void)
{
    bine_box(struct page) box = make(7);
    send(box);
    bine_await(bine_async(receive_and_free));

    send(make(7)); /* to itself */
    receive();
    bine_box_sent_((const void *)kept, channel);
    bine_box_kept_((const void *)kept); /* the send has failed */
    CHECK_EQ(bine_box_get(kept)->number, 7);
    bine_box_free(kept);

    box = make(7);
    kept = box;
    kept = bine_box_give(&kept);
    bine_await(bine_async(use_given_and_give));
    CHECK_EQ(bine_box_get(kept)->number, 7); /* it belongs to who uses it first */
    kept = bine_box_give(&kept);
    CHECK_EQ(bine_box_get(kept)->number, 7); /* who gave it, too, if nobody has taken it */
    bine_box_free(kept);

    bine_box_free((bine_box(struct page))NULL);
    CHECK(bine_box_get((bine_box(struct page))NULL) == NULL);
    bine_box_sent_(&box, channel); /* a pointer, but to no box */
    bine_box_sent_(NULL, channel);
    box_leave_channel(NULL, sizeof(void *));
    box_leave_channel("", 1);
    return 0;
}

static void check_alignment(void)
{
    typedef struct {
        _Alignas(256) char bytes[300];
    } wide;
    for (int i = 0; i < 200; i++) { /* more than are kept once freed */
        bine_box(wide) box = bine_box_make(wide);
        CHECK(box && (uintptr_t)bine_box_get(box) % 256 == 0);
        memset(bine_box_get(box), 1, sizeof(wide));
        bine_box_free(box);
        struct {
            char bytes[100000];
        } * unused;
        bine_box(__typeof__(*unused)) large = bine_box_make(__typeof__(*unused));
        CHECK(large && bine_box_get(large)->bytes[99999] == 0);
        bine_box_free(large);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        bine_await(bine_async(cases[atoi(argv[1])].misuse));
        return 0;
    }
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++)
        check_misuse(i);
    CHECK_EQ(bine_await(bine_async(use_rightly)), 0);
    use_rightly(); /* a plain thread */
    check_alignment();
    return 0;
}
