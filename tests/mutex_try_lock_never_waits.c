/* bine_try_lock takes a free mutex and is -EAGAIN for a held one, the caller's own included. */
#include "test.h"

static bine_mutex mutex;

static int try_from_elsewhere(int expected)
{
    int result = bine_try_lock(&mutex);
    CHECK_EQ(result, expected);
    if (result == 0)
        bine_unlock(&mutex);
    return 0;
}

static void *try_from_thread(void *expected)
{
    try_from_elsewhere((int)(intptr_t)expected);
    return NULL;
}

static void check_elsewhere(int expected)
{
    bine_future(int) other = bine_async(try_from_elsewhere, expected);
    CHECK(other);
    CHECK_EQ(bine_await(other), 0);
    test_join(test_thread(try_from_thread, (void *)(intptr_t)expected));
}

static int check(void)
{
    CHECK_EQ(bine_try_lock(&mutex), 0);
    CHECK_EQ(bine_try_lock(&mutex), -EAGAIN);
    check_elsewhere(-EAGAIN);
    bine_unlock(&mutex);
    check_elsewhere(0);
    bine_lock(&mutex);
    CHECK_EQ(bine_try_lock(&mutex), -EAGAIN);
    check_elsewhere(-EAGAIN);
    bine_unlock(&mutex);
    return 0;
}

int main(void)
{
    check();
    bine_future(int) in_task = bine_async(check);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
