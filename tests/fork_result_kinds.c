/* A child returns what its function returns, of every kind, with 0 to 6 arguments of every kind. */
#include "test.h"
#include <bine/parallel.h>
#include <limits.h>

static _Atomic int called;

static void nothing(void)
{
    called++;
}

static char character(char c)
{
    return c;
}

static signed char small(signed char a, int b)
{
    return (signed char)(a + b);
}

static unsigned short narrow(unsigned short a)
{
    return (unsigned short)~a;
}

static int whole(int a, long b, short c)
{
    return a + (int)b + c;
}

static long long_sum(long a, unsigned char b, long c, unsigned d)
{
    return a + b + c + d;
}

static unsigned long wide(unsigned long a)
{
    return a;
}

static bool is_odd(unsigned a)
{
    return a & 1;
}

static const char *skip(const char *text, size_t count)
{
    return text + count;
}

static double half(int a)
{
    return a / 2.0;
}

static float third(const float *a, long b)
{
    return *a / (float)b;
}

static int five(int a, int b, int c, int d, int e)
{
    return a * 10000 + b * 1000 + c * 100 + d * 10 + e;
}

static long six(long a, int *b, long c, const char *d, long e, int f)
{
    return a + *b + c + *d + e + f;
}

static double far_sum(int depth)
{
    if (depth == 0)
        return 0.5;
    bine_child(double) left;
    bine_child(float) middle;
    float one = 1;
    bine_fork(&left, far_sum, depth - 1);
    bine_fork(&middle, third, &one, 4);
    double right = far_sum(depth - 1);
    float quarter = bine_join(&middle);
    CHECK(quarter == 0.25f);
    return bine_join(&left) + right;
}

/* `wait`: so that the children are settled, and become tasks of their own. */
static int check_kinds(bool wait)
{
    static const char text[] = "some text";
    float one = 1;
    int forty = 40;
    bine_child(void) a;
    bine_child(char) b;
    bine_child(signed char) c;
    bine_child(unsigned short) d;
    bine_child(int) e, n;
    bine_child(long) f, o;
    bine_child(unsigned long) g;
    bine_child(bool) h, i;
    bine_child(const char *) j;
    bine_child(double) k, l;
    bine_child(float) m;
    int before = called;

    bine_fork(&a, nothing);
    bine_fork(&b, character, 'x');
    bine_fork(&c, small, -100, -20);
    bine_fork(&d, narrow, 0x00ff);
    bine_fork(&e, whole, INT_MIN, 7L, -3);
    bine_fork(&f, long_sum, LONG_MIN, 255, 44, 1000u);
    bine_fork(&g, wide, ULONG_MAX);
    bine_fork(&h, is_odd, 7);
    bine_fork(&i, is_odd, 0x100);
    bine_fork(&j, skip, text, 5);
    bine_fork(&k, half, -7);
    bine_fork(&l, half, 0);
    bine_fork(&m, third, &one, 3);
    bine_fork(&n, five, 1, 2, 3, 4, 5);
    bine_fork(&o, six, 1, &forty, 3, text, 5, -6);
    if (wait)
        CHECK_EQ(bine_sleep(BINE_US(1)), 0);

    CHECK_EQ(bine_join(&o), 1 + 40 + 3 + 's' + 5 - 6);
    CHECK_EQ(bine_join(&n), 12345);
    CHECK(bine_join(&m) == 1.0f / 3);
    CHECK(bine_join(&l) == 0);
    CHECK(bine_join(&k) == -3.5);
    CHECK(strcmp(bine_join(&j), "text") == 0);
    CHECK_EQ(bine_join(&i), false);
    CHECK_EQ(bine_join(&h), true);
    CHECK(bine_join(&g) == ULONG_MAX);
    CHECK_EQ(bine_join(&f), LONG_MIN + 1299);
    CHECK_EQ(bine_join(&e), INT_MIN + 4);
    CHECK_EQ(bine_join(&d), 0xff00);
    CHECK_EQ(bine_join(&c), -120);
    CHECK_EQ(bine_join(&b), 'x');
    bine_join(&a);
    CHECK_EQ(called, before + 1);
    CHECK(far_sum(8) == 128);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(200); i++) {
        CHECK_EQ(check_kinds(false), 0);
        CHECK_EQ(bine_run(check_kinds, false), 0);
    }
    for (int i = 0; i < test_scaled(100); i++) {
        CHECK_EQ(check_kinds(true), 0);
        CHECK_EQ(bine_run(check_kinds, true), 0);
    }
    return 0;
}
