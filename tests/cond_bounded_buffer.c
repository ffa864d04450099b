/* What tasks and plain threads put into a small buffer others take out, each number once, though
 * they wait for room and for numbers by conditions. */
#include "test_support/crowd.h"

enum { ROOM = 4, PRODUCERS = 8, CONSUMERS = 8, EACH = 4000 };

static struct {
    bine_mutex mutex;
    bine_cond not_full, not_empty;
    int numbers[ROOM];
    int count, puts, takes;
} buffer;

static _Atomic unsigned char seen[PRODUCERS * EACH];

static int each(void)
{
    return test_scaled(EACH);
}

static void put(int number)
{
    bine_lock(&buffer.mutex);
    while (buffer.count == ROOM)
        CHECK_EQ(bine_cond_wait(&buffer.not_full, &buffer.mutex), 0);
    buffer.numbers[buffer.puts++ % ROOM] = number;
    CHECK(++buffer.count <= ROOM);
    bine_unlock(&buffer.mutex);
    bine_cond_signal(&buffer.not_empty);
}

static int take(void)
{
    bine_lock(&buffer.mutex);
    while (buffer.count == 0)
        CHECK_EQ(bine_cond_wait(&buffer.not_empty, &buffer.mutex), 0);
    int number = buffer.numbers[buffer.takes++ % ROOM];
    CHECK(--buffer.count >= 0);
    bine_cond_signal(&buffer.not_full);
    bine_unlock(&buffer.mutex);
    return number;
}

static void play(int number)
{
    for (int i = 0; i < each(); i++)
        if (number < PRODUCERS)
            put(number * each() + i);
        else
            CHECK_EQ(seen[take()]++, 0);
}

int main(void)
{
    crowd_start_mixed(play, PRODUCERS + CONSUMERS);
    crowd_join();
    for (int i = 0; i < PRODUCERS * each(); i++)
        CHECK_EQ(seen[i], 1);
    return 0;
}
