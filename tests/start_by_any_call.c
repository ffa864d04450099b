/* Whichever function a program calls first, it works: nothing has to be set up before it. */
#include "test_support/child.h"
#include <fcntl.h>

static int seven(void)
{
    return 7;
}

static void first_now(void)
{
    bine_time before = bine_now();
    CHECK(before > 0 && bine_now() >= before);
}

static void first_after(void)
{
    CHECK(bine_after(BINE_S(1)) > BINE_S(1));
}

static void first_sleep(void)
{
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
}

static void first_lock(void)
{
    bine_mutex mutex = {0};
    bine_lock(&mutex);
    bine_unlock(&mutex);
    CHECK_EQ(bine_try_lock(&mutex), 0);
    bine_unlock(&mutex);
}

static void first_event(void)
{
    bine_event event = {0};
    CHECK_EQ(bine_event_wait_until(&event, BINE_NOW), -EAGAIN);
    bine_event_set(&event);
    CHECK_EQ(bine_event_wait(&event), 0);
}

static void first_waitgroup(void)
{
    bine_waitgroup group = {0};
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
}

static void first_id(void)
{
    CHECK_EQ(bine_id(), 0);
}

static void first_worker(void)
{
    CHECK_EQ(bine_worker(), -1);
}

static void first_yield(void)
{
    bine_yield();
}

static void first_check(void)
{
    CHECK_EQ(bine_check(), 0);
}

static void first_shield(void)
{
    CHECK(!bine_shield(true));
    CHECK(bine_shield(false));
}

static void first_key(void)
{
    bine_key key;
    CHECK_EQ(bine_key_make(&key, NULL), 0);
    CHECK(bine_key_get(key) == NULL);
    CHECK_EQ(bine_key_set(key, &key), 0);
    CHECK(bine_key_get(key) == &key);
}

static void first_stats(void)
{
    bine_stats stats;
    bine_stats_get(&stats, sizeof(stats));
    CHECK_EQ(stats.started, 0);
    CHECK_EQ(stats.ended, 0);
    CHECK_EQ(stats.parked_tasks, 0);
}

static void first_dump(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(nowhere >= 0);
    CHECK_EQ(bine_dump(nowhere), 0);
}

static void first_pool(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, NULL), 0);
    CHECK_EQ(bine_pool_close(pool), 0);
}

static void first_pool_self(void)
{
    CHECK(bine_pool_workers(bine_pool_self()) > 0);
}

static void first_pool_wait(void)
{
    CHECK_EQ(bine_pool_wait(NULL), 0);
}

static void first_drop(void)
{
    bine_drop((bine_future(int))NULL);
    bine_cancel((bine_future(int))NULL);
}

static void first_await_any(void)
{
    bine_future(int) none[2] = {NULL, NULL};
    CHECK_EQ(bine_await_any(none, 2), -EINVAL);
}

static void first_block(void)
{
    bine_block_begin();
    bine_block_end();
}

static void first_pin(void)
{
    bine_pin();
    bine_unpin();
}

static void first_run(void)
{
    CHECK_EQ(bine_run(seven), 7);
}

static void (*const firsts[])(void) = {
    first_now,       first_after,  first_sleep, first_lock,      first_event,     first_waitgroup,
    first_id,        first_worker, first_yield, first_check,     first_shield,    first_key,
    first_stats,     first_dump,   first_pool,  first_pool_self, first_pool_wait, first_drop,
    first_await_any, first_block,  first_pin,   first_run,
};

int main(int argc, char **argv)
{
    int count = (int)(sizeof(firsts) / sizeof(firsts[0]));
    char mode[16];
    if (argc > 1) {
        firsts[atoi(argv[1])]();
        CHECK_EQ(bine_run(seven), 7);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        snprintf(mode, sizeof(mode), "%d", i);
        struct child *child = child_run(mode);
        if (!child_passed(child))
            dprintf(2, "first call number %d:\n", i);
        CHECK_PASSED(child);
    }
    return 0;
}
