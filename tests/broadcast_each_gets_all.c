/* Every subscriber gets every value, in the same order, whoever sends; tasks and plain threads. */
#include "test_support/crowd.h"
#include "test_support/line.h"
#include <bine/broadcast.h>

enum { SENDERS = 4, SUBSCRIBERS = 6, EACH = 2000, MOST = SENDERS * EACH };

struct note {
    int sender, number;
    char text[40];
};

static bine_broadcast(struct note) notes;
static bine_subscriber(struct note) subscribers[SUBSCRIBERS];
static struct note seen[SUBSCRIBERS][MOST];
static _Atomic int senders_left;

static int each(void)
{
    return test_scaled(EACH);
}

static void send_all(int sender)
{
    for (int i = 0; i < each(); i++) {
        struct note note = {sender, i, ""};
        snprintf(note.text, sizeof(note.text), "%d of %d", i, sender);
        CHECK_EQ(bine_broadcast_send(notes, note), 0);
        if (i % 16 == 0)
            bine_yield();
    }
    if (--senders_left == 0)
        CHECK_EQ(bine_broadcast_close(notes), 0);
}

static void receive_all(int number)
{
    struct note note;
    uint64_t missed;
    int count = 0, error;
    while ((error = bine_broadcast_recv(subscribers[number], &note, &missed)) == 0) {
        CHECK_EQ(missed, 0);
        seen[number][count++] = note;
    }
    CHECK_EQ(error, -EPIPE);
    CHECK_EQ(count, SENDERS * each());
}

static void play(int number)
{
    if (number < SENDERS)
        send_all(number);
    else
        receive_all(number - SENDERS);
}

static void receive_one(int number)
{
    struct note note = {-1, -1, ""};
    CHECK_EQ(bine_broadcast_recv(subscribers[number], &note, NULL), 0);
    CHECK_EQ(note.number, 5);
}

static void check_one_wakes_all(void)
{
    CHECK((notes = bine_broadcast_make(struct note, 1)));
    for (int i = 0; i < SUBSCRIBERS; i++)
        CHECK((subscribers[i] = bine_broadcast_subscribe(notes)));
    crowd_start_mixed(receive_one, SUBSCRIBERS);
    line_until(notes, SUBSCRIBERS);
    CHECK_EQ(bine_broadcast_send(notes, (struct note){0, 5, ""}), 0);
    crowd_join();
    for (int i = 0; i < SUBSCRIBERS; i++)
        bine_broadcast_unsubscribe(subscribers[i]);
    bine_broadcast_unref(notes);
}

static void check_all_in_order(void)
{
    int next[SENDERS] = {0};
    CHECK((notes = bine_broadcast_make(struct note, MOST)));
    for (int i = 0; i < SUBSCRIBERS; i++)
        CHECK((subscribers[i] = bine_broadcast_subscribe(notes)));
    senders_left = SENDERS;
    crowd_start_mixed(play, SENDERS + SUBSCRIBERS);
    crowd_join();
    for (int i = 0; i < SENDERS * each(); i++) {
        char text[40];
        int sender = seen[0][i].sender;
        snprintf(text, sizeof(text), "%d of %d", next[sender], sender);
        CHECK_EQ(seen[0][i].number, next[sender]++);
        CHECK(strcmp(seen[0][i].text, text) == 0);
        for (int j = 1; j < SUBSCRIBERS; j++)
            CHECK(memcmp(&seen[j][i], &seen[0][i], sizeof(struct note)) == 0);
    }
    for (int i = 0; i < SUBSCRIBERS; i++)
        bine_broadcast_unsubscribe(subscribers[i]);
    bine_broadcast_unref(notes);
}

int main(void)
{
    check_one_wakes_all();
    check_all_in_order();
    return 0;
}
