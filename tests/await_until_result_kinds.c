/* bine_await_until writes a result of any kind, and not a byte more than it has. */
#include "test.h"

static bool return_bool(void)
{
    return true;
}

static char return_char(void)
{
    return 'c';
}

static short return_short(void)
{
    return -2;
}

static int return_int(void)
{
    return -3;
}

static long return_long(void)
{
    return -4;
}

static const char *return_pointer(void)
{
    return "five";
}

static float return_float(void)
{
    return 6.5f;
}

static double return_double(void)
{
    return -7.25;
}

static void return_void(int *done)
{
    *done = 1;
}

#define CHECK_RESULT(expected, fn)                                                                 \
    do {                                                                                           \
        struct {                                                                                   \
            unsigned char before[8];                                                               \
            __typeof__((fn)()) result;                                                             \
            unsigned char after[8];                                                                \
        } at_;                                                                                     \
        bine_future(__typeof__((fn)())) future_ = bine_async(fn);                                  \
        memset(&at_, 0x5a, sizeof(at_));                                                           \
        CHECK(future_);                                                                            \
        CHECK_EQ(bine_await_until(future_, &at_.result, BINE_NEVER), 0);                           \
        CHECK(at_.result == (expected));                                                           \
        for (size_t i = 0; i < 8; i++)                                                             \
            CHECK(at_.before[i] == 0x5a && at_.after[i] == 0x5a);                                  \
    } while (0)

static int check_all(void)
{
    int done = 0;
    CHECK_RESULT(true, return_bool);
    CHECK_RESULT('c', return_char);
    CHECK_RESULT(-2, return_short);
    CHECK_RESULT(-3, return_int);
    CHECK_RESULT(-4, return_long);
    CHECK_RESULT(6.5f, return_float);
    CHECK_RESULT(-7.25, return_double);

    const char *text = NULL;
    bine_future(const char *) pointer = bine_async(return_pointer);
    CHECK(pointer);
    CHECK_EQ(bine_await_until(pointer, &text, BINE_NEVER), 0);
    CHECK(strcmp(text, "five") == 0);

    bine_future(void) nothing = bine_async(return_void, &done);
    CHECK(nothing);
    CHECK_EQ(bine_await_until(nothing, NULL, BINE_NEVER), 0);
    CHECK_EQ(done, 1);
    return 0;
}

int main(void)
{
    check_all();
    bine_future(int) in_task = bine_async(check_all);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
