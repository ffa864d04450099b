/* Lock calls with a deadline: what is free is taken whatever the deadline; else they wait until it,
 * or until they are cancelled, and leave no trace. The others outlast a cancellation. */
#include "test_support/line.h"

static bine_rwlock lock;
static _Atomic bool stop;

static int read_until(bine_time deadline)
{
    int error = bine_read_lock_until(&lock, deadline);
    if (error == 0)
        bine_read_unlock(&lock);
    return error;
}

static int write_until(bine_time deadline)
{
    int error = bine_write_lock_until(&lock, deadline);
    if (error == 0)
        bine_write_unlock(&lock);
    return error;
}

static void check_free(void)
{
    bine_time past = bine_now();
    CHECK_EQ(read_until(BINE_NOW), 0);
    CHECK_EQ(read_until(past), 0);
    CHECK_EQ(read_until(BINE_NEVER), 0);
    CHECK_EQ(write_until(BINE_NOW), 0);
    CHECK_EQ(write_until(past), 0);
    CHECK_EQ(write_until(BINE_NEVER), 0);
}

static void check_taken(int (*try)(bine_time deadline))
{
    CHECK_EQ(try(BINE_NOW), -EAGAIN);
    CHECK_EQ(try(bine_now()), -ETIMEDOUT);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(try(deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);
}

/* In another task: this one holds the lock. */
static int check_while_written(void)
{
    check_taken(read_until);
    check_taken(write_until);
    return 0;
}

static int check_while_read(void)
{
    CHECK_EQ(read_until(BINE_NOW), 0);
    CHECK_EQ(read_until(bine_now()), 0);
    check_taken(write_until);
    CHECK_EQ(read_until(BINE_NOW), 0); /* the writer that gave up holds nobody back */
    return 0;
}

static int use_cancelled(void)
{
    EVENTUALLY(stop);
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(read_until(BINE_NEVER), -ECANCELED); /* though it is free */
    CHECK_EQ(write_until(BINE_NOW), -ECANCELED);
    bine_read_lock(&lock);
    bine_read_unlock(&lock);
    bine_write_lock(&lock);
    bine_write_unlock(&lock);
    return 0;
}

static int wait_firmly(bool writes)
{
    (writes ? bine_write_lock : bine_read_lock)(&lock);
    (writes ? bine_write_unlock : bine_read_unlock)(&lock);
    return bine_check();
}

static void check_cancel_while_waiting(void)
{
    bine_future(int) firm[2], others[2];
    bine_write_lock(&lock);
    for (int i = 0; i < 2; i++) {
        CHECK((firm[i] = bine_async(wait_firmly, i)));
        CHECK((others[i] = bine_async(i ? read_until : write_until, BINE_NEVER)));
    }
    line_until(&lock, 4);
    for (int i = 0; i < 2; i++) {
        bine_cancel(firm[i]);
        bine_cancel(others[i]);
        CHECK_EQ(bine_await(others[i]), -ECANCELED);
    }
    CHECK_EQ(line_length(&lock), 2);
    bine_write_unlock(&lock);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_await(firm[i]), -ECANCELED);
}

static int check_all(void)
{
    check_free();
    bine_write_lock(&lock);
    CHECK_EQ(bine_await(bine_async(check_while_written)), 0);
    bine_write_unlock(&lock);
    bine_read_lock(&lock);
    CHECK_EQ(bine_await(bine_async(check_while_read)), 0);
    bine_read_unlock(&lock);

    stop = false;
    bine_future(int) cancelled = bine_async(use_cancelled);
    CHECK(cancelled);
    bine_cancel(cancelled);
    stop = true;
    CHECK_EQ(bine_await(cancelled), 0);
    check_cancel_while_waiting();
    check_free();
    return 0;
}

int main(void)
{
    check_all();
    CHECK_EQ(bine_run(check_all), 0);
    return 0;
}
