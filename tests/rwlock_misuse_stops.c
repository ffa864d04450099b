/*
 * Misuse of a read-write lock stops the program with a message that names the call and, in a task,
 * the task: as far as it can be told, for readers are only counted.
 */
#include "test_support/misuse.h"

static bine_rwlock lock;
static _Atomic bool locked;

static void write_twice(void)
{
    bine_write_lock(&lock);
    bine_write_lock(&lock);
}

static void write_twice_until(void)
{
    bine_write_lock(&lock);
    CHECK_EQ(bine_write_lock_until(&lock, BINE_NOW), -EAGAIN);
    (void)!bine_write_lock_until(&lock, BINE_NEVER);
}

static void read_what_it_writes(void)
{
    bine_write_lock(&lock);
    bine_read_lock(&lock);
}

static void read_what_it_writes_until(void)
{
    bine_write_lock(&lock);
    CHECK_EQ(bine_read_lock_until(&lock, BINE_NOW), -EAGAIN);
    (void)!bine_read_lock_until(&lock, bine_after(BINE_S(1000)));
}

static void read_unlock_free(void)
{
    bine_read_unlock(&lock);
}

static void read_unlock_twice(void)
{
    bine_read_lock(&lock);
    bine_read_unlock(&lock);
    bine_read_unlock(&lock);
}

static void read_unlock_written(void)
{
    bine_write_lock(&lock);
    bine_read_unlock(&lock);
}

static void write_unlock_free(void)
{
    bine_write_unlock(&lock);
}

static void write_unlock_read(void)
{
    bine_read_lock(&lock);
    bine_write_unlock(&lock);
}

static void lock_and_stay(void)
{
    bine_write_lock(&lock);
    locked = true;
    bine_sleep_until(BINE_NEVER);
}

static void *lock_in_thread(void *unused)
{
    bine_write_lock(&lock);
    locked = true;
    pause();
    return unused;
}

static void write_unlock_of_task(void)
{
    CHECK_EQ(bine_go(lock_and_stay), 0);
    EVENTUALLY(locked);
    bine_write_unlock(&lock);
}

static void write_unlock_of_thread(void)
{
    test_thread(lock_in_thread, NULL);
    EVENTUALLY(locked);
    bine_write_unlock(&lock);
}

static const struct misuse cases[] = {
    {write_twice, "bine_write_lock"},
    {write_twice_until, "bine_write_lock_until"},
    {read_what_it_writes, "bine_read_lock"},
    {read_what_it_writes_until, "bine_read_lock_until"},
    {read_unlock_free, "bine_read_unlock"},
    {read_unlock_twice, "bine_read_unlock"},
    {read_unlock_written, "bine_read_unlock"},
    {write_unlock_free, "bine_write_unlock"},
    {write_unlock_read, "bine_write_unlock"},
    {write_unlock_of_task, "bine_write_unlock"},
    {write_unlock_of_thread, "bine_write_unlock"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
