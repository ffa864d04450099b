/* Tasks start and await tasks that start and await tasks: a tree of them computes its sum. */
#include "test.h"

enum { N = TEST_SANITIZED ? 14 : 21, SUM = TEST_SANITIZED ? 377 : 10946, DEEP = 1000 };

static int fib(int n)
{
    if (n < 2)
        return n;
    bine_future(int) left = bine_async(fib, n - 1);
    CHECK(left);
    int right = fib(n - 2);
    return bine_await(left) + right;
}

/* Both halves as tasks; the older one is awaited first. */
static int fib_of_two_tasks(int n)
{
    if (n < 2)
        return n;
    bine_future(int) left = bine_async(fib_of_two_tasks, n - 1);
    bine_future(int) right = bine_async(fib_of_two_tasks, n - 2);
    CHECK(left && right);
    int sum = bine_await(left);
    return sum + bine_await(right);
}

/* A chain in which each awaits the next: deeper than one stack could nest. */
static int depth(int left)
{
    if (left == 0)
        return 0;
    bine_future(int) rest = bine_async(depth, left - 1);
    CHECK(rest);
    return 1 + bine_await(rest);
}

int main(void)
{
    CHECK_EQ(fib(N), SUM);
    bine_future(int) whole = bine_async(fib, N);
    CHECK(whole);
    CHECK_EQ(bine_await(whole), SUM);
    bine_future(int) both = bine_async(fib_of_two_tasks, N);
    CHECK(both);
    CHECK_EQ(bine_await(both), SUM);
    bine_future(int) deep = bine_async(depth, DEEP);
    CHECK(deep);
    CHECK_EQ(bine_await(deep), DEEP);
    return 0;
}
