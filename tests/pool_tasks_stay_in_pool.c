/* Several pools at once: each runs its own tasks, and those they start, on its own threads. */
#include "test.h"

enum { POOLS = 4, TASKS = 50, DEPTH = 4, MOST_THREADS = 1024 };

static bine_pool *pools[POOLS];
static _Atomic int ran[POOLS];
static bine_mutex threads_mutex;
static struct {
    pid_t thread;
    int pool;
} threads[MOST_THREADS];

/* A thread that served one pool never serves another. */
static void note_thread(int pool)
{
    bine_lock(&threads_mutex);
    pid_t thread = gettid();
    int i = 0;
    while (threads[i].thread != 0 && threads[i].thread != thread)
        i++;
    CHECK(i + 1 < MOST_THREADS);
    if (threads[i].thread == 0) {
        threads[i].thread = thread;
        threads[i].pool = pool;
    }
    CHECK_EQ(threads[i].pool, pool);
    bine_unlock(&threads_mutex);
}

static void grow(int pool, int depth)
{
    CHECK(bine_pool_self() == pools[pool]);
    note_thread(pool);
    bine_yield();
    if (depth > 0) {
        CHECK_EQ(bine_go(grow, pool, depth - 1), 0);
        bine_future(void) child = bine_async(grow, pool, depth - 1);
        CHECK(child);
        bine_await(child);
    }
    CHECK_EQ(bine_sleep(BINE_US(20)), 0);
    CHECK(bine_pool_self() == pools[pool]);
    note_thread(pool);
    ran[pool]++;
}

/* A task may start one in another pool and await it there. */
static void visit(int from, int to)
{
    CHECK(bine_pool_self() == pools[from]);
    bine_future(void) other = bine_pool_async(pools[to], grow, to, 0);
    CHECK(other);
    bine_await(other);
    CHECK(bine_pool_self() == pools[from]);
    ran[from]++;
}

int main(void)
{
    int tasks = test_scaled(TASKS);
    for (int i = 0; i < POOLS; i++) {
        bine_pool_options options = {.name = "apart", .workers = (unsigned)i + 1};
        CHECK_EQ(bine_pool_open(&pools[i], &options), 0);
    }
    for (int i = 0; i < tasks; i++)
        for (int pool = 0; pool < POOLS; pool++)
            CHECK_EQ(bine_pool_go(pools[pool], grow, pool, DEPTH), 0);
    for (int i = 0; i < POOLS; i++)
        CHECK_EQ(bine_pool_wait(pools[i]), 0);
    for (int i = 0; i < POOLS; i++) {
        CHECK_EQ(ran[i], tasks * ((2 << DEPTH) - 1));
        ran[i] = 0;
    }
    for (int from = 0; from < POOLS; from++)
        for (int to = 0; to < POOLS; to++)
            CHECK_EQ(bine_pool_go(pools[from], visit, from, to), 0);
    for (int i = 0; i < POOLS; i++)
        CHECK_EQ(bine_pool_wait(pools[i]), 0);
    for (int i = 0; i < POOLS; i++) {
        CHECK_EQ(ran[i], 2 * POOLS);
        CHECK_EQ(bine_pool_close(pools[i]), 0);
    }
    return 0;
}
