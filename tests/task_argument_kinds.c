/* A task gets its none to six arguments, of every integer and pointer kind, as a call would. */
#include "test.h"

static _Atomic int calls;

static void none(void)
{
    calls++;
}

static void one(int a)
{
    CHECK_EQ(a, -1);
    calls++;
}

static void two(char a, unsigned char b)
{
    CHECK_EQ(a, 'z');
    CHECK_EQ(b, 255);
    calls++;
}

static void three(short a, unsigned short b, bool c)
{
    CHECK_EQ(a, -32768);
    CHECK_EQ(b, 65535);
    CHECK(c);
    calls++;
}

static void four(long a, unsigned long b, int64_t c, uint64_t d)
{
    CHECK_EQ(a, -1234567890123L);
    CHECK(b == UINT64_MAX);
    CHECK(c == INT64_MIN);
    CHECK(d == UINT64_C(0x8000000000000001));
    calls++;
}

static void five(const char *a, void (*b)(void), void *c, int *d, unsigned e)
{
    CHECK(strcmp(a, "text") == 0);
    CHECK(b == none);
    CHECK(c == NULL);
    CHECK_EQ(*d, 77);
    CHECK(e == 4000000000u);
    calls++;
}

static void six(signed char a, long long b, size_t c, const int *const *d, int8_t e, uint32_t f)
{
    CHECK_EQ(a, -128);
    CHECK(b == -1);
    CHECK(c == SIZE_MAX);
    CHECK_EQ(**d, 5);
    CHECK_EQ(e, -3);
    CHECK(f == 0xfffffffe);
    calls++;
}

static int ignored_result(int a)
{
    calls++;
    return a;
}

static void with_options(int a, int b)
{
    CHECK_EQ(a - b, 11);
    calls++;
}

static int sum(int a, int b, int c, int d, int e, int f)
{
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f;
}

int main(void)
{
    static int value = 77;
    static const int five_value = 5, *pointer = &five_value;
    unsigned char byte = 255;
    short narrow = -32768;
    void (*by_pointer)(int) = one;

    CHECK_EQ(bine_go(none), 0);
    CHECK_EQ(bine_go(one, -1), 0);
    CHECK_EQ(bine_go(by_pointer, -1), 0);
    CHECK_EQ(bine_go(two, 'z', byte), 0);
    CHECK_EQ(bine_go(three, narrow, (unsigned short)65535, true), 0);
    CHECK_EQ(bine_go(four, -1234567890123L, UINT64_MAX, INT64_MIN, UINT64_C(0x8000000000000001)),
             0);
    CHECK_EQ(bine_go(five, "text", none, NULL, &value, 4000000000u), 0);
    CHECK_EQ(bine_go(six, (signed char)-128, -1LL, SIZE_MAX, &pointer, (int8_t)-3, 0xfffffffe), 0);
    CHECK_EQ(bine_go(ignored_result, 3), 0);
    CHECK_EQ(bine_go_with(BINE_OPTIONS(.name = "with"), with_options, 12, 1), 0);
    EVENTUALLY(calls == 10);

    bine_future(int) digits = bine_async(sum, 1, 2, 3, 4, 5, 6);
    CHECK(digits);
    CHECK_EQ(bine_await(digits), 654321);
    return 0;
}
