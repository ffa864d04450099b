/*
 * Plain threads that race to be the first to use bine start one default pool between them, and no
 * task is lost. The race comes once in a process, so the test runs itself many times.
 */
#include "test_support/child.h"

enum { RACES = 30, THREADS = 12, TASKS_EACH = 20 };

static pthread_barrier_t start_line;
static _Atomic int tasks_run;
static bine_pool *pools[THREADS];

static void count(void)
{
    tasks_run++;
}

static int index_of(int number)
{
    return number;
}

static void *race(void *arg)
{
    int number = (int)(intptr_t)arg;
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < TASKS_EACH; i++)
        CHECK_EQ(bine_go(count), 0);
    bine_future(int) future = bine_async(index_of, number);
    CHECK(future);
    CHECK_EQ(bine_await(future), number);
    pools[number] = bine_pool_self();
    return NULL;
}

static int race_once(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&start_line, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        threads[i] = test_thread(race, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++)
        test_join(threads[i]);
    EVENTUALLY(tasks_run == THREADS * TASKS_EACH);
    for (int i = 0; i < THREADS; i++)
        CHECK(pools[i] && pools[i] == pools[0]);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return race_once();
    for (int i = 0; i < (TEST_SANITIZED ? RACES / 5 : RACES); i++)
        CHECK_PASSED(child_run("race"));
    return 0;
}
