/*
 * Calls into the system that fail or return for nothing, put into the table of base/os.h: memory,
 * guards, threads and futexes. What is refused is reported, nothing is lost, and once the system
 * gives again the program goes on.
 */
/* test: plain */
#include "test.h"
#include "base/os.h"
#include <bine.h>
#include <stdatomic.h>

enum { TASKS = 2000 };

static struct os_calls real;
static _Atomic int calls, failed;
static bine_event event;
static _Atomic int ended;

static bool turn_to_fail(int every)
{
    bool fails = atomic_fetch_add(&calls, 1) % every == 0;
    atomic_fetch_add(&failed, fails);
    return fails;
}

static void *map_nothing(size_t size)
{
    (void)size;
    atomic_fetch_add(&failed, 1);
    return NULL;
}

static void *map_sometimes(size_t size)
{
    return turn_to_fail(2) ? NULL : real.map(size);
}

static int advise_nothing(void *start, size_t size, int advice)
{
    (void)start, (void)size, (void)advice;
    atomic_fetch_add(&failed, 1);
    return -EINVAL;
}

static int forbid_nothing(void *start, size_t size)
{
    (void)start, (void)size;
    atomic_fetch_add(&failed, 1);
    return -ENOMEM;
}

static int start_no_thread(pthread_t *thread, const pthread_attr_t *attributes,
                           void *(*body)(void *), void *argument)
{
    (void)thread, (void)attributes, (void)body, (void)argument;
    atomic_fetch_add(&failed, 1);
    return -EAGAIN;
}

/* What a signal or a late wake-up of an earlier wait does. */
static int wait_or_not(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    return turn_to_fail(2) ? -EINTR : real.futex_wait(word, expected, deadline);
}

static void begin(void)
{
    calls = failed = ended = 0;
    bine_event_clear(&event);
}

/* At least one call has failed, else nothing was tried; from now on none does. */
static void end(void)
{
    CHECK(failed > 0);
    os_calls = real;
}

static int one(void)
{
    return 1;
}

static void wait_for_event(void)
{
    CHECK_EQ(bine_event_wait(&event), 0);
    ended++;
}

static void run_tasks(bine_pool *pool)
{
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_pool_go(pool, wait_for_event), 0);
    bine_event_set(&event);
    CHECK_EQ(bine_pool_wait(pool), 0);
    CHECK_EQ(ended, TASKS);
}

static void no_thread_at_start(void)
{
    bine_pool *pool = NULL;
    begin();
    os_calls.start_thread = start_no_thread;
    CHECK_EQ(bine_pool_open(&pool, NULL), -EAGAIN);
    CHECK(!bine_async(one));
    CHECK_EQ(errno, EAGAIN);
    end();
    CHECK_EQ(bine_await(bine_async(one)), 1);
}

static void no_more_threads(void)
{
    bine_pool *pool;
    begin();
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 8}), 0);
    os_calls.start_thread = start_no_thread;
    run_tasks(pool);
    for (int i = 0; i < 100 || !failed; i++)
        CHECK_EQ(bine_await(bine_pool_async(pool, one)), 1);
    end();
    CHECK_EQ(bine_pool_close(pool), 0);
}

/* Of a size that no pool has used yet: they must be mapped. */
static void stacks_come_late(void)
{
    bine_pool *pool;
    begin();
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.stack_size = 128 << 10}), 0);
    os_calls.map = map_sometimes;
    run_tasks(pool);
    end();
    CHECK_EQ(bine_pool_close(pool), 0);
}

static void no_stack_of_a_size(void)
{
    begin();
    os_calls.map = map_nothing;
    CHECK(!bine_async_with(BINE_OPTIONS(.stack_size = 5 << 20), one));
    CHECK_EQ(errno, ENOMEM);
    end();
    bine_future(int) future = bine_async_with(BINE_OPTIONS(.stack_size = 5 << 20), one);
    CHECK(future);
    CHECK_EQ(bine_await(future), 1);
}

static void futexes_return_for_nothing(bine_pool *pool)
{
    begin();
    os_calls.futex_wait = wait_or_not;
    run_tasks(pool);
    for (int i = 0; i < 200; i++) {
        bine_event never = {{0}};
        CHECK_EQ(bine_event_wait_until(&never, bine_after(BINE_US(20))), -ETIMEDOUT);
        CHECK_EQ(bine_await(bine_pool_async(pool, one)), 1);
    }
    end();
}

/* Last, since what kind of guard there is is found out once: the fall-back stays. */
static void no_guards(void)
{
    bine_pool *pool;
    begin();
    os_calls.advise = advise_nothing;
    os_calls.forbid = forbid_nothing;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.stack_size = 32 << 10}), 0);
    run_tasks(pool);
    end();
    CHECK_EQ(bine_pool_close(pool), 0);
}

int main(void)
{
    bine_pool *pool;
    real = os_calls;
    no_thread_at_start();
    no_more_threads();
    CHECK_EQ(bine_pool_open(&pool, NULL), 0);
    stacks_come_late();
    no_stack_of_a_size();
    futexes_return_for_nothing(pool);
    CHECK_EQ(bine_pool_close(pool), 0);
    no_guards();
    return 0;
}
