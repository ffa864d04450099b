/* Trees of children give the right sum, in tasks and on plain threads, many at a time, and with more
 * children at once than a deque has room for. */
#include "test.h"
#include <bine/parallel.h>

static long fib(long n)
{
    if (n < 2)
        return n;
    bine_child(long) left;
    bine_fork(&left, fib, n - 1);
    long right = fib(n - 2);
    return bine_join(&left) + right;
}

static int square(int number)
{
    return number * number;
}

struct squares {
    bine_child(int) child[2500];
};

static long sum_of_squares(int count)
{
    struct squares *squares = malloc(sizeof *squares);
    long sum = 0;
    CHECK(squares);
    for (int i = 0; i < count; i++)
        bine_fork(&squares->child[i], square, i);
    for (int i = count - 1; i >= 0; i--)
        sum += bine_join(&squares->child[i]);
    free(squares);
    return sum;
}

static long wanted_sum(long count)
{
    return (count - 1) * count * (2 * count - 1) / 6;
}

/* Each frame has a child that its caller's siblings have not joined. */
static int deep(int depth)
{
    if (depth == 0)
        return 0;
    bine_child(int) child;
    bine_fork(&child, square, depth % 10);
    int rest = deep(depth - 1);
    return rest + bine_join(&child);
}

static void compute(int times)
{
    for (int i = 0; i < times; i++) {
        CHECK_EQ(fib(18), 2584);
        CHECK_EQ(sum_of_squares(50), wanted_sum(50));
        CHECK_EQ(deep(100), 2850);
    }
    CHECK_EQ(sum_of_squares(1024), wanted_sum(1024));
    CHECK_EQ(sum_of_squares(1025), wanted_sum(1025));
    CHECK_EQ(sum_of_squares(2500), wanted_sum(2500));
}

static void *compute_in_thread(void *unused)
{
    compute(test_scaled(20));
    return unused;
}

static int compute_in_task(void)
{
    compute(test_scaled(20));
    return 0;
}

int main(void)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    bine_future(int) tasks[THREADS];

    compute(test_scaled(40));
    CHECK_EQ(bine_run(compute_in_task), 0);
    for (int round = 0; round < 3; round++) { /* threads come and go */
        for (int i = 0; i < THREADS; i++) {
            threads[i] = test_thread(compute_in_thread, NULL);
            tasks[i] = bine_async(compute_in_task);
            CHECK(tasks[i]);
        }
        for (int i = 0; i < THREADS; i++) {
            test_join(threads[i]);
            CHECK_EQ(bine_await(tasks[i]), 0);
        }
    }

    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 3}), 0);
    bine_future(int) apart = bine_pool_async(pool, compute_in_task);
    CHECK(apart);
    CHECK_EQ(bine_await(apart), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
    CHECK_EQ(bine_pool_close(NULL), 0); /* and a new default pool helps the main thread */
    compute(test_scaled(10));
    CHECK_EQ(bine_run(compute_in_task), 0);
    return 0;
}
