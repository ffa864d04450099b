/* bine_scan makes each element the combination of all up to it, in order, for elements of any size. */
#include "test.h"
#include <bine/parallel.h>
#include <bine/scope.h>

static void add_long(void *context, void *left, const void *right)
{
    CHECK(context == NULL);
    *(long *)left += *(const long *)right;
}

/* Associative, not commutative: x -> a * x + b. */
struct affine {
    uint64_t a, b;
    char rest[100]; /* too large for a frame */
};

static void compose(void *context, void *left_, const void *right_)
{
    struct affine *left = left_;
    const struct affine *right = right_;
    (void)context;
    left->b = left->b * right->a + right->b;
    left->a *= right->a;
    memcpy(left->rest, right->rest, sizeof(left->rest));
    if (right->b % 50 == 0)
        test_spin(2000);
}

static void check_longs(size_t count)
{
    long *items = malloc((count + 1) * sizeof(*items));
    long sum = 0;
    CHECK(items);
    for (size_t i = 0; i < count; i++)
        items[i] = (long)(i * 7 % 1001);
    CHECK_EQ(bine_scan(items, count, sizeof(*items), add_long, NULL), 0);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(items[i], sum += (long)(i * 7 % 1001));
    free(items);
}

static struct affine nth(size_t i)
{
    return (struct affine){i * 2 + 3, i + 1, {(char)i, 'x'}};
}

static void check_affine(size_t count)
{
    struct affine *items = malloc((count + 1) * sizeof(*items));
    struct affine wanted = {1, 0, {0}};
    CHECK(items);
    for (size_t i = 0; i < count; i++)
        items[i] = nth(i);
    CHECK_EQ(bine_scan(items, count, sizeof(*items), compose, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        struct affine next = nth(i);
        compose(NULL, &wanted, &next);
        CHECK(items[i].a == wanted.a && items[i].b == wanted.b);
        CHECK(items[i].rest[0] == (char)i && items[i].rest[1] == 'x');
    }
    free(items);
}

static int check_all(void)
{
    static const size_t counts[] = {0, 1, 2, 3, 100, 5000, 50000};
    long item = 5;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        check_longs(counts[i]);
        check_affine(counts[i]);
    }
    check_longs(2000000);
    CHECK_EQ(bine_scan(NULL, 0, 8, add_long, NULL), 0);
    CHECK_EQ(bine_scan(NULL, 1, 8, add_long, NULL), -EINVAL);
    CHECK_EQ(bine_scan(&item, 1, 0, add_long, NULL), -EINVAL);
    CHECK_EQ(bine_scan(&item, 1, 8, NULL, NULL), -EINVAL);
    BINE_UNTIL(bine_now())
        CHECK_EQ(bine_scan(&item, 1, 8, add_long, NULL), -ETIMEDOUT);
    CHECK_EQ(item, 5);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(6); i++) {
        CHECK_EQ(bine_run(check_all), 0);
        CHECK_EQ(check_all(), 0);
    }
    return 0;
}
