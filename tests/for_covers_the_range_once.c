/*
 * bine_for calls its body on pieces that cover the range once, none shorter than the grain but the
 * last, whatever the range and the grain; on none where the range is empty; and says so where an
 * argument is wrong.
 */
#include "test.h"
#include <bine/parallel.h>

enum { MOST = 3000 };

struct cover {
    size_t begin, end, grain;
    _Atomic unsigned char times[MOST]; /* from begin on */
    _Atomic size_t pieces;
};

static void mark(void *context, size_t begin, size_t end)
{
    struct cover *cover = context;
    CHECK(begin < end && begin >= cover->begin && end <= cover->end);
    CHECK(end - begin >= cover->grain || end == cover->end);
    for (size_t i = begin; i < end; i++)
        cover->times[i - cover->begin]++;
    cover->pieces++;
    if (begin % 7 == 0)
        test_spin(2000); /* so that others find something left */
}

static void check_range(size_t begin, size_t count, size_t grain)
{
    static struct cover cover;
    memset(&cover, 0, sizeof(cover));
    cover.begin = begin;
    cover.end = begin + count;
    cover.grain = grain;
    CHECK_EQ(bine_for(begin, begin + count, grain, mark, &cover), 0);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(cover.times[i], 1);
    CHECK(cover.pieces >= (count > 0));
    if (grain >= count)
        CHECK_EQ((long long)cover.pieces, count > 0);
}

static int check_ranges(void)
{
    static const size_t counts[] = {0, 1, 2, 3, 7, 100, 1000, MOST};
    static const size_t grains[] = {0, 1, 2, 3, 10, 999, 1000, 1001, MOST * 2, SIZE_MAX};
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++)
        for (size_t g = 0; g < sizeof(grains) / sizeof(*grains); g++) {
            check_range(0, counts[c], grains[g]);
            check_range(12345, counts[c], grains[g]);
            check_range(SIZE_MAX - counts[c], counts[c], grains[g]);
        }
    return 0;
}

/* --- ranges too long to be looked at one by one --- */

static void add(void *context, size_t begin, size_t end)
{
    *(_Atomic size_t *)context += end - begin;
}

static int check_huge(void)
{
    _Atomic size_t covered = 0;
    CHECK_EQ(bine_for(0, SIZE_MAX, 0, add, &covered), 0);
    CHECK(covered == SIZE_MAX);
    covered = 0;
    CHECK_EQ(bine_for(1, SIZE_MAX, SIZE_MAX / 3, add, &covered), 0);
    CHECK(covered == SIZE_MAX - 1);
    covered = 0;
    CHECK_EQ(bine_for(0, (size_t)1 << 40, 0, add, &covered), 0);
    CHECK(covered == (size_t)1 << 40);
    return 0;
}

static int check_arguments(void)
{
    static struct cover cover;
    CHECK_EQ(bine_for(0, 10, 0, NULL, &cover), -EINVAL);
    CHECK_EQ(bine_for(10, 5, 0, mark, &cover), 0);
    CHECK_EQ(bine_for(SIZE_MAX, 0, 7, mark, &cover), 0);
    CHECK_EQ((long long)cover.pieces, 0);
    return 0;
}

int main(void)
{
    CHECK_EQ(check_ranges(), 0);
    CHECK_EQ(bine_run(check_ranges), 0);
    CHECK_EQ(check_huge(), 0);
    CHECK_EQ(bine_run(check_huge), 0);
    CHECK_EQ(bine_run(check_arguments), 0);
    return 0;
}
