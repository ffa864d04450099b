/* bine_go_copy gives the task its own copy of the value, aligned, while the original is reused. */
#include "test.h"
#include <stddef.h>

enum { TASKS = 2000, LARGEST = 1024 };

struct small {
    char byte;
};

struct largest {
    unsigned char bytes[LARGEST];
};

struct aligned {
    _Alignas(max_align_t) char text[40];
    int number;
};

static _Atomic int ended;

static void check_small(const struct small *copy)
{
    CHECK_EQ(copy->byte, 's');
    ended++;
}

static void check_largest(struct largest *copy)
{
    unsigned char first = copy->bytes[0];
    bine_yield();
    for (int i = 0; i < LARGEST; i++)
        CHECK_EQ(copy->bytes[i], (unsigned char)(first + i));
    memset(copy, 0, sizeof(*copy)); /* the task's own: it may write there */
    bine_yield();
    CHECK_EQ(copy->bytes[LARGEST - 1], 0);
    ended++;
}

static void check_aligned(struct aligned *copy)
{
    char expected[40];
    CHECK_EQ((uintptr_t)copy % _Alignof(max_align_t), 0);
    CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    snprintf(expected, sizeof(expected), "number %d", copy->number);
    CHECK(strcmp(copy->text, expected) == 0);
    ended++;
}

static int add_copied(const int *copy, int more)
{
    return *copy + more;
}

int main(void)
{
    struct small small = {'s'};
    struct largest largest;
    struct aligned aligned;
    int tasks = test_scaled(TASKS);
    CHECK_EQ(bine_go_copy(check_small, &small), 0);
    small.byte = 'x';
    for (int i = 0; i < tasks; i++) {
        for (int j = 0; j < LARGEST; j++)
            largest.bytes[j] = (unsigned char)(i + j);
        CHECK_EQ(bine_go_copy(check_largest, &largest), 0);
        memset(&largest, 0xee, sizeof(largest));

        aligned.number = i;
        snprintf(aligned.text, sizeof(aligned.text), "number %d", i);
        CHECK_EQ(bine_go_copy(check_aligned, &aligned), 0);
        memset(&aligned, 0xee, sizeof(aligned));
    }
    EVENTUALLY(ended == 1 + 2 * tasks);

    int base = 40;
    bine_future(int) future =
        bine_async_with(BINE_OPTIONS(.copy_size = sizeof(base)), add_copied, &base, 2);
    base = 0;
    CHECK(future);
    CHECK_EQ(bine_await(future), 42);
    return 0;
}
