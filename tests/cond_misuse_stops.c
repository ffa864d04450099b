/* Waiting for a condition without holding the mutex stops the program with a message that names the
 * call and, in a task, the task. */
#include "test_support/misuse.h"

static bine_mutex mutex;
static bine_cond cond;

static void wait_unlocked(void)
{
    bine_cond_wait(&cond, &mutex);
}

static void wait_unlocked_until(void)
{
    bine_cond_wait_until(&cond, &mutex, BINE_NOW);
}

static void lock_and_wait(void)
{
    bine_lock(&mutex);
    bine_future(void) other = bine_async_with(BINE_OPTIONS(.name = "culprit"), wait_unlocked);
    CHECK(other);
    bine_await(other);
}

static const struct misuse cases[] = {
    {wait_unlocked, "bine_cond_wait:"},
    {wait_unlocked_until, "bine_cond_wait_until:"},
    {lock_and_wait, "bine_cond_wait:"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
