/*
 * Both sorts sort: random, sorted, reversed and equal elements of many sizes and counts, as qsort_r
 * does; the stable one keeps the order of equals; with a compare that contradicts itself, or cancelled,
 * the elements are still those that were there.
 */
#include "test.h"
#include <bine/parallel.h>
#include <bine/scope.h>

enum { MOST = 20000 };

struct item {
    uint32_t key, index;
};

typedef int compare_function(const void *left, const void *right, void *context);
typedef int sort_function(void *base, size_t count, size_t size, compare_function *compare,
                          void *context);

static _Atomic long compared;

static int by_key(const void *left, const void *right, void *context)
{
    uint32_t a = ((const struct item *)left)->key, b = ((const struct item *)right)->key;
    CHECK(context == &compared);
    return a < b ? -5 : a > b;
}

/* Any answer, and now and then a wait. */
static int by_chance(const void *left, const void *right, void *context)
{
    long number = compared++;
    (void)left;
    (void)right;
    (void)context;
    if (number % 5000 == 0)
        bine_yield();
    return (int)(number * 7919 % 3) - 1;
}

static void check_all_there(const struct item *items, size_t count, const struct item *wanted)
{
    static _Thread_local unsigned char seen[MOST];
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < count; i++) {
        CHECK(items[i].index < count && !seen[items[i].index]);
        CHECK_EQ(items[i].key, wanted[items[i].index].key);
        seen[items[i].index] = 1;
    }
}

static void make(struct item *items, size_t count, int pattern, uint64_t *state)
{
    for (size_t i = 0; i < count; i++) {
        items[i].index = (uint32_t)i;
        items[i].key = pattern == 0   ? (uint32_t)test_random(state)
                       : pattern == 1 ? (uint32_t)i
                       : pattern == 2 ? (uint32_t)(count - i)
                       : pattern == 3 ? 42
                       : pattern == 4 ? (uint32_t)test_random_below(state, 10)
                                      : (uint32_t)(i % 2 ? i : count - i);
    }
}

static void check_sort(sort_function *sort, bool stable, size_t count, int pattern,
                       uint64_t *state)
{
    struct item *before = calloc(count + 1, sizeof(*before));
    struct item *items = calloc(count + 1, sizeof(*items));
    CHECK(before && items);
    make(before, count, pattern, state);
    memcpy(items, before, count * sizeof(*items));
    CHECK_EQ(sort(items, count, sizeof(*items), by_key, (void *)&compared), 0);
    check_all_there(items, count, before);
    for (size_t i = 1; i < count; i++) {
        CHECK(items[i - 1].key <= items[i].key);
        CHECK(!stable || items[i - 1].key < items[i].key || items[i - 1].index < items[i].index);
    }
    memcpy(items, before, count * sizeof(*items));
    CHECK_EQ(sort(items, count, sizeof(*items), by_chance, NULL), 0);
    check_all_there(items, count, before);
    free(before);
    free(items);
}

static void check_counts(sort_function *sort, bool stable)
{
    static const size_t counts[] = {0, 1, 2, 3, 15, 16, 17, 100, 511, 512, 513, 5000, MOST};
    uint64_t state = 1;
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++)
        for (int pattern = 0; pattern < 6; pattern++)
            check_sort(sort, stable, counts[c], pattern, &state);
}

/* --- elements of other sizes --- */

static int by_bytes(const void *left, const void *right, void *context)
{
    return memcmp(left, right, *(size_t *)context);
}

static int by_bytes_plain(const void *left, const void *right, void *context)
{
    return by_bytes(left, right, context);
}

static void check_size(sort_function *sort, size_t size)
{
    enum { COUNT = 3000 };
    char *items = malloc(COUNT * size), *wanted = malloc(COUNT * size);
    uint64_t state = size;
    CHECK(items && wanted);
    for (size_t i = 0; i < COUNT * size; i++)
        items[i] = wanted[i] = (char)test_random(&state);
    qsort_r(wanted, COUNT, size, by_bytes_plain, &size);
    CHECK_EQ(sort(items, COUNT, size, by_bytes, &size), 0);
    CHECK_EQ(memcmp(items, wanted, COUNT * size), 0);
    free(items);
    free(wanted);
}

/* --- arguments, cancellation --- */

static void check_arguments(sort_function *sort)
{
    struct item item = {1, 0};
    CHECK_EQ(sort(NULL, 0, 8, by_key, (void *)&compared), 0);
    CHECK_EQ(sort(&item, 1, sizeof(item), by_key, (void *)&compared), 0);
    CHECK_EQ(sort(NULL, 1, 8, by_key, (void *)&compared), -EINVAL);
    CHECK_EQ(sort(&item, 1, 0, by_key, (void *)&compared), -EINVAL);
    CHECK_EQ(sort(&item, 1, 8, NULL, NULL), -EINVAL);
    CHECK_EQ(sort(&item, SIZE_MAX / 4, 8, by_key, NULL), -EINVAL);
}

static bine_scope *scope_to_cancel;

static int by_key_until_cancelled(const void *left, const void *right, void *context)
{
    if (compared++ == 30000)
        bine_scope_cancel(scope_to_cancel, 0);
    return by_key(left, right, context);
}

static void check_cancelled(sort_function *sort)
{
    static struct item before[MOST], items[MOST];
    uint64_t state = 3;
    make(before, MOST, 0, &state);
    memcpy(items, before, sizeof(items));
    compared = 0;
    BINE_SCOPE(scope, BINE_NEVER, NULL) {
        scope_to_cancel = &scope;
        CHECK_EQ(sort(items, MOST, sizeof(*items), by_key_until_cancelled, (void *)&compared),
                 -ECANCELED);
        check_all_there(items, MOST, before);
        memcpy(items, before, sizeof(items));
        CHECK_EQ(sort(items, MOST, sizeof(*items), by_key, (void *)&compared), -ECANCELED);
        CHECK_EQ(memcmp(items, before, sizeof(items)), 0);
    }
}

static int check_both(void)
{
    check_counts(bine_sort, false);
    check_counts(bine_sort_stable, true);
    for (size_t size = 1; size < 100; size += size < 20 ? 1 : 13) {
        check_size(bine_sort, size);
        check_size(bine_sort_stable, size);
    }
    check_arguments(bine_sort);
    check_arguments(bine_sort_stable);
    check_cancelled(bine_sort);
    check_cancelled(bine_sort_stable);
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_run(check_both), 0);
    CHECK_EQ(check_both(), 0);
    return 0;
}
