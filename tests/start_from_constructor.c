/* The runtime starts by itself before main: a constructor may start tasks and await them. */
#include "test.h"

static int answer;

static int compute(int left, int right)
{
    return left * right;
}

__attribute__((constructor(2000))) static void start_early(void)
{
    bine_future(int) product = bine_async(compute, 6, 7);
    CHECK(product);
    answer = bine_await(product);
}

int main(void)
{
    CHECK_EQ(answer, 42);
    bine_future(int) again = bine_async(compute, 2, 3);
    CHECK(again);
    CHECK_EQ(bine_await(again), 6);
    return 0;
}
