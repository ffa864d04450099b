/* No two tasks ever have the same id, however their records are used again; a thread's is 0. */
#include "test_support/crowd.h"

enum { STARTERS = 8, TASKS_EACH = 10000 };

static uint64_t ids[STARTERS][TASKS_EACH];
static int tasks_each;

static uint64_t give_id(void)
{
    uint64_t id = bine_id();
    bine_yield();
    CHECK(bine_id() == id);
    return id;
}

static void start_many(int number)
{
    for (int i = 0; i < tasks_each; i++) {
        bine_future(uint64_t) future = bine_async(give_id);
        CHECK(future);
        ids[number][i] = bine_await(future);
    }
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int main(void)
{
    uint64_t *all = &ids[0][0];
    tasks_each = test_scaled(TASKS_EACH);
    CHECK_EQ(bine_id(), 0);
    crowd_start_mixed(start_many, STARTERS);
    crowd_join();
    CHECK_EQ(bine_id(), 0);
    qsort(all, STARTERS * TASKS_EACH, sizeof(*all), compare);
    int unused = STARTERS * (TASKS_EACH - tasks_each);
    CHECK(all[unused] != 0);
    for (int i = unused + 1; i < STARTERS * TASKS_EACH; i++)
        CHECK(all[i] != all[i - 1]);
    return 0;
}
