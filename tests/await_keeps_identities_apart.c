/*
 * A task that is awaited at once may run on its awaiter's stack. Each of the two keeps its own id,
 * keys, errno, shield, cancellation and locks all the same, also when it waits in between.
 */
#include "test.h"

enum { ROUNDS = 200 };

static bine_key key;
static bine_mutex mutex;

__attribute__((noinline)) static int errno_now(void)
{
    return errno;
}

__attribute__((noinline)) static void errno_be(int value)
{
    errno = value;
}

static void wait_a_little(int how)
{
    if (how == 1)
        bine_yield();
    if (how == 2 && bine_sleep(BINE_US(50)) != 0)
        bine_yield();
}

static void inner(uint64_t outer_id, int how)
{
    CHECK(bine_id() != 0 && bine_id() != outer_id);
    CHECK(bine_key_get(key) == NULL);
    CHECK_EQ(bine_key_set(key, &mutex), 0);
    CHECK_EQ(bine_try_lock(&mutex), -EAGAIN); /* the awaiter holds it */
    CHECK_EQ(bine_check(), 0);                /* the awaiter was cancelled, not this one */
    CHECK(!bine_shield(true));                /* the awaiter is shielded, not this one */
    bine_set_name("inner");
    errno_be(EDOM);
    wait_a_little(how);
    CHECK_EQ(errno_now(), EDOM);
    CHECK(bine_key_get(key) == &mutex);
    CHECK(bine_id() != outer_id);
    /* ends shielded, with its key set */
}

static void inner_cancelled(int how)
{
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED); /* the awaiter is shielded, not this one */
    wait_a_little(how);
    CHECK_EQ(bine_check(), -ECANCELED);
}

static int outer(int how)
{
    uint64_t id = bine_id();
    int own = 0;
    EVENTUALLY(bine_check() == -ECANCELED);
    CHECK(!bine_shield(true));
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_key_set(key, &own), 0);
    bine_lock(&mutex);
    errno_be(ERANGE);

    bine_future(void) awaited = bine_async(inner, id, how);
    CHECK(awaited);
    errno_be(ERANGE);
    bine_await(awaited);
    CHECK_EQ(errno_now(), ERANGE);
    CHECK_EQ(bine_id(), id);
    CHECK(bine_key_get(key) == &own);
    CHECK_EQ(bine_check(), 0);

    awaited = bine_async(inner_cancelled, how);
    CHECK(awaited);
    bine_cancel(awaited);
    bine_await(awaited);

    bine_unlock(&mutex); /* stops the program where the owner got lost */
    CHECK(bine_shield(false));
    CHECK_EQ(bine_check(), -ECANCELED);
    return 0;
}

int main(void)
{
    CHECK_EQ(bine_key_make(&key, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        bine_future(int) future = bine_async(outer, i % 3);
        CHECK(future);
        bine_cancel(future);
        CHECK_EQ(bine_await(future), 0);
    }
    return 0;
}
