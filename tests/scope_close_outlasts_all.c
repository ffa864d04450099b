/*
 * Closing waits for every task whatever else happens to the caller; a start that fails leaves
 * nothing behind that it would wait for; and the scope's memory is the caller's again at once.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event go_on, closing;

static int wait_shielded(_Atomic int *ended)
{
    BINE_SHIELDED
    {
        CHECK_EQ(bine_event_wait(&go_on), 0);
    }
    ++*ended;
    return 0;
}

static int close_while_cancelled(void)
{
    _Atomic int ended = 0;
    bine_scope scope;
    BINE_WITHIN (BINE_US(100)) {
        bine_scope_open(&scope, BINE_NEVER);
        bool started = bine_scope_go(&scope, wait_shielded, &ended) == 0;
        if (!started)
            ended++;
        bine_event_set(&closing);
        int result = bine_scope_close(&scope);
        CHECK_EQ(ended, 1);
        return started ? result : -ETIMEDOUT;
    }
    return 0;
}

static void check_outlasts(void)
{
    bine_event_clear(&go_on);
    bine_event_clear(&closing);
    bine_future(int) future = bine_async(close_while_cancelled);
    CHECK_EQ(bine_event_wait(&closing), 0);
    bine_cancel(future);
    bine_event_set(&go_on);
    int result = bine_await(future);
    CHECK(result == -ECANCELED || result == -ETIMEDOUT);
}

static void return_nothing(void)
{
}

static int start_until_refused(bine_pool *pool, bine_scope *scope)
{
    int error;
    while ((error = bine_go_with(BINE_OPTIONS(.scope = scope, .pool = pool), return_nothing)) == 0)
        bine_yield();
    return error;
}

static bine_pool *pool;
static _Atomic bool refused;

static int keep_pool_closing(void)
{
    while (!refused)
        bine_sleep(1000);
    return 0;
}

static void *close_pool(void *unused)
{
    CHECK_EQ(bine_pool_close(pool), 0);
    return unused;
}

static void check_failed_start(void)
{
    bine_scope scope;
    char large[2048] = {0};
    refused = false;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 1}), 0);
    CHECK_EQ(bine_pool_go(pool, keep_pool_closing), 0);
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(
        bine_go_with(BINE_OPTIONS(.scope = &scope, .copy_size = sizeof(large)), return_nothing),
        -EINVAL);
    CHECK_EQ(
        bine_go_with(BINE_OPTIONS(.scope = &scope, .stack_size = SIZE_MAX / 2), return_nothing),
        -ENOMEM);
    pthread_t thread = test_thread(close_pool, NULL);
    CHECK_EQ(start_until_refused(pool, &scope), -EPIPE);
    refused = true;
    CHECK_EQ(bine_scope_close(&scope), 0);
    test_join(thread);
}

enum { POISON = 0x5a };

static int end_at_once(void)
{
    return 0;
}

static __attribute__((noinline)) void open_and_go(int tasks)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    for (int i = 0; i < tasks; i++)
        CHECK_EQ(bine_scope_go(&scope, end_at_once), 0);
    CHECK_EQ(bine_scope_close(&scope), 0);
    memset(&scope, POISON, sizeof(scope));
    __asm__ volatile("" ::"r"(&scope) : "memory");
}

static int check_last_touch(void)
{
    for (int i = 0; i < test_scaled(20000); i++)
        open_and_go(i % 4);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(100); i++)
        check_outlasts();
    for (int i = 0; i < test_scaled(40); i++)
        check_failed_start();
    check_last_touch();
    CHECK_EQ(bine_run(check_last_touch), 0);
    return 0;
}
