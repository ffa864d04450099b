/*
 * Locking a mutex twice, unlocking a free one and unlocking another's stop the program with a
 * message that names the call and, in a task, the task.
 */
#include "test_support/misuse.h"

static bine_mutex mutex;

static void lock_twice(void)
{
    bine_lock(&mutex);
    bine_lock(&mutex);
}

static void lock_twice_after_moving(void)
{
    bine_lock(&mutex);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(bine_sleep(BINE_US(100)), 0);
    bine_lock(&mutex);
}

static void unlock_free(void)
{
    bine_unlock(&mutex);
}

static void unlock_twice(void)
{
    bine_lock(&mutex);
    bine_unlock(&mutex);
    bine_unlock(&mutex);
}

static void lock_and_stay(void)
{
    bine_lock(&mutex);
    bine_sleep_until(BINE_NEVER);
}

static void *lock_and_leave(void *unused)
{
    bine_lock(&mutex);
    return unused;
}

static void unlock_of_task(void)
{
    CHECK_EQ(bine_go(lock_and_stay), 0);
    while (bine_try_lock(&mutex) == 0) {
        bine_unlock(&mutex);
        bine_yield();
    }
    bine_unlock(&mutex);
}

static void unlock_of_thread(void)
{
    pthread_t thread = test_thread(lock_and_leave, NULL);
    while (bine_try_lock(&mutex) == 0) {
        bine_unlock(&mutex);
        bine_yield();
    }
    (void)thread;
    bine_unlock(&mutex);
}

static void await_unlocker(void)
{
    bine_lock(&mutex);
    bine_future(void) other = bine_async_with(BINE_OPTIONS(.name = "culprit"), unlock_free);
    bine_await(other); /* perhaps on this very stack: still another task */
}

static const struct misuse cases[] = {
    {lock_twice, "bine_lock"},       {lock_twice_after_moving, "bine_lock"},
    {unlock_free, "bine_unlock"},    {unlock_twice, "bine_unlock"},
    {unlock_of_task, "bine_unlock"}, {unlock_of_thread, "bine_unlock"},
    {await_unlocker, "bine_unlock"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
