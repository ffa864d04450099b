/* A watch has the newest value for whoever asks, wakes each that waits once for a change, and skips
 * what came in between. */
#include "test_support/crowd.h"
#include "test_support/line.h"
#include <bine/watch.h>

enum { RECEIVERS = 8, CHANGES = 200 };

struct settings {
    int number;
    char text[60];
};

static bine_watch(struct settings) settings;
static _Atomic int received[RECEIVERS]; /* the number received last */
static _Atomic int times[RECEIVERS];

static struct settings numbered(int number)
{
    struct settings made = {number, ""};
    memset(made.text, 'a' + number % 26, sizeof(made.text) - 1);
    return made;
}

static void check_whole(const struct settings *value)
{
    for (size_t i = 0; i < sizeof(value->text) - 1; i++)
        CHECK_EQ(value->text[i], 'a' + value->number % 26);
}

static void follow(int receiver)
{
    struct settings value;
    uint64_t seen = 0;
    int error, last = -1;
    while ((error = bine_watch_wait(settings, &value, &seen)) == 0) {
        CHECK(value.number > last);
        CHECK_EQ(seen, value.number + 1);
        check_whole(&value);
        last = value.number;
        received[receiver] = last;
        times[receiver]++;
    }
    CHECK_EQ(error, -EPIPE);
    CHECK_EQ(bine_watch_try_wait(settings, &value, &seen), -EPIPE);
}

static void until_all_have(int number)
{
    for (int i = 0; i < RECEIVERS; i++)
        EVENTUALLY(received[i] == number);
}

static void check_each_change(void)
{
    CHECK((settings = bine_watch_make(struct settings, numbered(0))));
    for (int i = 0; i < RECEIVERS; i++)
        times[i] = received[i] = -1;
    for (int i = 0; i < RECEIVERS; i++)
        times[i] = 0;
    crowd_start_mixed(follow, RECEIVERS);
    for (int i = 0; i < CHANGES; i++) {
        until_all_have(i);
        line_until(settings, RECEIVERS);
        for (int j = 0; j < RECEIVERS; j++)
            CHECK_EQ(times[j], i + 1); /* woken once for each */
        CHECK_EQ(bine_watch_version(settings), i + 1);
        CHECK_EQ(bine_watch_send(settings, numbered(i + 1)), 0);
    }
    until_all_have(CHANGES);
    CHECK_EQ(bine_watch_close(settings), 0);
    crowd_join();
    bine_watch_unref(settings);
}

/* Values come as fast as they can: some are skipped, the last is not. */
static void check_many(void)
{
    struct settings value;
    CHECK((settings = bine_watch_make(struct settings, numbered(0))));
    crowd_start_mixed(follow, RECEIVERS);
    for (int i = 1; i <= test_scaled(8000); i++) {
        CHECK_EQ(bine_watch_send(settings, numbered(i)), 0);
        if (i % 16 == 0)
            sched_yield();
        if (i % 100 == 0) {
            CHECK_EQ(bine_watch_get(settings, &value), 0);
            CHECK_EQ(value.number, i);
            check_whole(&value);
        }
    }
    CHECK_EQ(bine_watch_close(settings), 0);
    crowd_join();
    for (int i = 0; i < RECEIVERS; i++)
        CHECK_EQ(received[i], test_scaled(8000));
    bine_watch_unref(settings);
}

int main(void)
{
    check_each_change();
    check_many();
    return 0;
}
