/* bine_await gives back a result of any kind as the function returned it, in tasks and threads. */
#include "test.h"

static int target;

static void return_void(int *done)
{
    *done = 1;
}

static bool return_bool(int value)
{
    return value != 0;
}

static char return_char(void)
{
    return 'q';
}

static signed char return_signed_char(void)
{
    return -100;
}

static unsigned char return_unsigned_char(void)
{
    return 200;
}

static short return_short(void)
{
    return -30000;
}

static unsigned short return_unsigned_short(void)
{
    return 60000;
}

static int return_int(int value)
{
    return value;
}

static unsigned return_unsigned(void)
{
    return 4000000000u;
}

static long return_long(void)
{
    return -1234567890123456789L;
}

static uint64_t return_uint64(void)
{
    return UINT64_MAX - 1;
}

static void *return_pointer(void)
{
    return &target;
}

static const char *return_string(void)
{
    return "string";
}

static float return_float(int value)
{
    return (float)value / 8;
}

static double return_double(int value)
{
    return -(double)value / 1024;
}

/* Starts fn(args...), awaits it, and compares. */
#define CHECK_RESULT(expected, fn, ...)                                                            \
    do {                                                                                           \
        bine_future(__typeof__((fn)(__VA_ARGS__))) future_ =                                       \
            bine_async(fn __VA_OPT__(, ) __VA_ARGS__);                                             \
        CHECK(future_);                                                                            \
        CHECK(bine_await(future_) == (expected));                                                  \
    } while (0)

static int check_all(void)
{
    int done = 0;
    bine_future(void) nothing = bine_async(return_void, &done);
    CHECK(nothing);
    bine_await(nothing);
    CHECK_EQ(done, 1);

    CHECK_RESULT(true, return_bool, 2);
    CHECK_RESULT(false, return_bool, 0);
    CHECK_RESULT('q', return_char);
    CHECK_RESULT(-100, return_signed_char);
    CHECK_RESULT(200, return_unsigned_char);
    CHECK_RESULT(-30000, return_short);
    CHECK_RESULT(60000, return_unsigned_short);
    CHECK_RESULT(-5, return_int, -5);
    CHECK_RESULT(INT32_MIN, return_int, INT32_MIN);
    CHECK_RESULT(4000000000u, return_unsigned);
    CHECK_RESULT(-1234567890123456789L, return_long);
    CHECK_RESULT(UINT64_MAX - 1, return_uint64);
    CHECK_RESULT(&target, return_pointer);
    CHECK_RESULT(1.625f, return_float, 13);
    CHECK_RESULT(-0.5, return_double, 512);

    bine_future(const char *) string = bine_async(return_string);
    CHECK(string);
    CHECK(strcmp(bine_await(string), "string") == 0);
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
