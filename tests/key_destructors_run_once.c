/* A key's destructor runs once on each value, by the time its task or plain thread has ended. */
#include "test.h"

enum { TASKS = 3000 };

static bine_key counted, plain;
static _Atomic int destroyed;

static void destroy(void *value)
{
    CHECK_EQ(*(int *)value, 1);
    *(int *)value = 0;
    free(value);
    destroyed++;
}

static void set_value(void)
{
    int *value = malloc(sizeof(*value));
    CHECK(value);
    *value = 1;
    CHECK_EQ(bine_key_set(counted, value), 0);
    CHECK_EQ(bine_key_set(plain, value), 0); /* no destructor: left alone */
}

static int run(int number)
{
    if (number % 3 == 0)
        return number; /* no value, nothing to destroy */
    set_value();
    if (number % 3 == 1)
        bine_yield();
    return number;
}

static void *run_thread(void *unused)
{
    set_value();
    return unused;
}

static int run_all(int count)
{
    int expected = 0;
    destroyed = 0;
    for (int i = 0; i < count; i++) {
        bine_future(int) future = bine_async(run, i);
        CHECK(future);
        CHECK_EQ(bine_await(future), i);
        expected += i % 3 != 0;
        CHECK_EQ(destroyed, expected);
    }
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_key_make(&counted, destroy), 0);
    CHECK_EQ(bine_key_make(&plain, NULL), 0);
    run_all(test_scaled(TASKS));
    bine_future(int) in_task = bine_async(run_all, test_scaled(TASKS));
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);

    destroyed = 0;
    for (int i = 1; i <= 50; i++) {
        test_join(test_thread(run_thread, NULL));
        CHECK_EQ(destroyed, i);
    }
    return 0;
}
