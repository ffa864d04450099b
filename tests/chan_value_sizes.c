/* Values of any size from 1 byte to 64 KiB arrive whole; no other size, and no capacity that
 * overflows, makes a channel. */
#include "test_support/crowd.h"
#include <bine/chan.h>

enum { MOST = 64 * 1024, VALUES = 20 };

static struct bine_chan *ch;
static size_t value_size;

static void fill(unsigned char *value, int number)
{
    for (size_t i = 0; i < value_size; i++)
        value[i] = (unsigned char)(i * 7 + (size_t)number * 13 + 1);
}

static void send_all(int unused)
{
    unsigned char *value = malloc(value_size);
    CHECK(value);
    for (int i = 0; i < VALUES; i++) {
        fill(value, i);
        CHECK_EQ(bine_chan_send_(ch, value, BINE_NEVER), 0);
    }
    free(value);
    (void)unused;
}

static void receive_all(void)
{
    unsigned char *value = malloc(value_size + 1), *expected = malloc(value_size);
    CHECK(value && expected);
    value[value_size] = 99;
    for (int i = 0; i < VALUES; i++) {
        CHECK_EQ(bine_chan_recv_(ch, value, BINE_NEVER), 0);
        fill(expected, i);
        CHECK(memcmp(value, expected, value_size) == 0);
        CHECK_EQ(value[value_size], 99);
    }
    free(value);
    free(expected);
}

static void check_size(size_t size, size_t capacity)
{
    value_size = size;
    ch = bine_chan_new_(size, capacity);
    CHECK(ch);
    CHECK(bine_chan_cap_(ch) == capacity);
    crowd_add_task(send_all, 0);
    receive_all();
    crowd_join();
    CHECK_EQ(bine_chan_len_(ch), 0);
    bine_chan_unref_(ch);
}

static void check_refused(size_t size, size_t capacity, int error)
{
    errno = 0;
    CHECK(!bine_chan_new_(size, capacity));
    CHECK_EQ(errno, error);
}

int main(void)
{
    static const size_t sizes[] = {1,  2,  3,  4,    5,    7,    8,    9,    12,       16,  24,
                                   63, 64, 65, 1000, 4031, 4032, 4033, 8000, MOST - 1, MOST};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_size(sizes[i], 0);
        check_size(sizes[i], 1);
        check_size(sizes[i], 7);
        check_size(sizes[i], BINE_UNBOUNDED);
    }
    check_refused(MOST + 1, 0, EINVAL);
    check_refused(SIZE_MAX, 0, EINVAL);
    check_refused(0, 0, EINVAL);
    check_refused(8, SIZE_MAX / 8 + 1, ENOMEM);
    check_refused(8, SIZE_MAX / 8, ENOMEM);
    check_refused(8, SIZE_MAX - 1, ENOMEM);
    check_refused(1, SIZE_MAX - 1, ENOMEM);
    check_refused(1, (size_t)PTRDIFF_MAX, ENOMEM);
    check_refused(MOST, SIZE_MAX / 2, ENOMEM);
    return 0;
}
