/*
 * bine_reduce with a combine that is associative but not commutative gives what doing it from left to
 * right gives; for results of any size; *identity stays, and *result is written only with 0.
 */
#include "test.h"
#include <bine/parallel.h>

/* --- x -> a * x + b, composed --- */

struct affine {
    uint64_t a, b;
};

static struct affine nth(size_t i)
{
    return (struct affine){i * 2 + 3, i * i + 1};
}

static struct affine then(struct affine first, struct affine second)
{
    return (struct affine){first.a * second.a, first.b * second.a + second.b};
}

static void compose_range(void *context, size_t begin, size_t end, void *partial)
{
    struct affine composed = *(struct affine *)partial;
    (void)context;
    for (size_t i = begin; i < end; i++)
        composed = then(composed, nth(i));
    *(struct affine *)partial = composed;
    if (begin % 3 == 0)
        test_spin(3000);
    if (begin % 101 == 0)
        bine_yield();
}

static void compose(void *context, void *left, const void *right)
{
    (void)context;
    *(struct affine *)left = then(*(struct affine *)left, *(const struct affine *)right);
}

static int check_affine(void)
{
    static const size_t counts[] = {0, 1, 2, 17, 1000, 20000};
    static const size_t grains[] = {0, 1, 7, 100, 100000};
    const struct affine identity = {1, 0};
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++)
        for (size_t g = 0; g < sizeof(grains) / sizeof(*grains); g++) {
            struct affine wanted = identity, got = {7, 7};
            for (size_t i = 100; i < 100 + counts[c]; i++)
                wanted = then(wanted, nth(i));
            CHECK_EQ(bine_reduce(100, 100 + counts[c], grains[g], &got, &identity, sizeof(got),
                                 compose_range, compose, NULL),
                     0);
            CHECK(got.a == wanted.a && got.b == wanted.b);
            CHECK(identity.a == 1 && identity.b == 0);
        }
    return 0;
}

/* --- big partial results: the first indices seen, in order --- */

enum { KEPT = 300 };

struct seen {
    size_t count;
    uint32_t first[KEPT];
    char last;
};

static void see(void *context, size_t begin, size_t end, void *partial)
{
    struct seen *seen = partial;
    CHECK(context == &check_affine);
    for (size_t i = begin; i < end; i++) {
        if (seen->count < KEPT)
            seen->first[seen->count] = (uint32_t)i;
        seen->count++;
    }
    test_spin(2000);
}

static void see_both(void *context, void *left_, const void *right_)
{
    struct seen *left = left_;
    const struct seen *right = right_;
    CHECK(context == &check_affine);
    CHECK_EQ(right->last, 'x');
    for (size_t i = 0; i < right->count && i < KEPT && left->count + i < KEPT; i++)
        left->first[left->count + i] = right->first[i];
    left->count += right->count;
}

static int check_seen(void)
{
    static const struct seen identity = {.last = 'x'};
    struct seen result;
    CHECK_EQ(bine_reduce(10, 3000, 1, &result, &identity, sizeof(result), see, see_both,
                         (void *)&check_affine),
             0);
    CHECK_EQ((long long)result.count, 2990);
    CHECK_EQ(result.last, 'x');
    for (uint32_t i = 0; i < KEPT; i++)
        CHECK_EQ(result.first[i], i + 10);
    return 0;
}

/* --- arguments --- */

static int check_arguments(void)
{
    struct affine identity = {1, 0}, result = {7, 8};
    size_t size = sizeof(result);
    CHECK_EQ(bine_reduce(0, 9, 0, NULL, &identity, size, compose_range, compose, NULL), -EINVAL);
    CHECK_EQ(bine_reduce(0, 9, 0, &result, NULL, size, compose_range, compose, NULL), -EINVAL);
    CHECK_EQ(bine_reduce(0, 9, 0, &result, &identity, 0, compose_range, compose, NULL), -EINVAL);
    CHECK_EQ(bine_reduce(0, 9, 0, &result, &identity, size, NULL, compose, NULL), -EINVAL);
    CHECK_EQ(bine_reduce(0, 9, 0, &result, &identity, size, compose_range, NULL, NULL), -EINVAL);
    CHECK_EQ(bine_reduce(0, 9, 0, &result, &identity, (size_t)1 << 60, compose_range, compose, NULL),
             -ENOMEM);
    CHECK(result.a == 7 && result.b == 8);
    CHECK_EQ(bine_reduce(9, 9, 0, &result, &identity, size, compose_range, compose, NULL), 0);
    CHECK(result.a == 1 && result.b == 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(40); i++) {
        CHECK_EQ(bine_run(check_affine), 0);
        CHECK_EQ(bine_run(check_seen), 0);
        CHECK_EQ(check_seen(), 0);
    }
    CHECK_EQ(check_affine(), 0);
    if (!TEST_SANITIZED) /* whose allocators complain of such sizes */
        CHECK_EQ(bine_run(check_arguments), 0);
    return 0;
}
