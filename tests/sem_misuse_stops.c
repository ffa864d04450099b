/* More permits than a semaphore can hold stop the program with a message. */
#include "test_support/misuse.h"

static bine_sem sem;

static void begin_with_too_many(void)
{
    bine_sem_init(&sem, SIZE_MAX);
}

static void release_too_many(void)
{
    bine_sem_init(&sem, 1);
    bine_sem_release(&sem, SIZE_MAX);
}

static void release_one_too_many(void)
{
    bine_sem_init(&sem, SIZE_MAX / 4);
    CHECK_EQ(bine_sem_acquire_until(&sem, SIZE_MAX, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_sem_acquire_until(&sem, SIZE_MAX / 4, BINE_NOW), 0);
    bine_sem_release(&sem, SIZE_MAX / 4);
    bine_sem_release(&sem, 1);
}

static const struct misuse cases[] = {
    {begin_with_too_many, "bine_sem_init"},
    {release_too_many, "bine_sem_release"},
    {release_one_too_many, "bine_sem_release"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
