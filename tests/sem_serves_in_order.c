/*
 * Permits go to who came first: a large acquire is not overtaken by small ones, though there would
 * be enough for them; where it gives up, those behind it that can have theirs go on.
 */
#include "test_support/line.h"

enum { MOST = 8 };

static bine_sem sem;
static _Atomic int served;
static struct user {
    size_t permits;
    bool in_thread;
    bine_time deadline;
    _Atomic int place; /* the how-manieth to be served; 0: not yet */
    bine_future(int) task;
    pthread_t thread;
} user[MOST];

static int acquire(struct user *user)
{
    int result = bine_sem_acquire_until(&sem, user->permits, user->deadline);
    if (result == 0)
        user->place = ++served;
    return result;
}

static void *acquire_in_thread(void *user)
{
    return (void *)(intptr_t)acquire(user);
}

static void start(int i, size_t permits, bine_time deadline)
{
    user[i] = (struct user){permits, i % 3 == 2, deadline, 0, NULL, 0};
    if (user[i].in_thread)
        user[i].thread = test_thread(acquire_in_thread, &user[i]);
    else
        CHECK((user[i].task = bine_async(acquire, &user[i])));
    line_until(&sem, i + 1);
}

static int end(int i)
{
    void *result;
    if (!user[i].in_thread)
        return bine_await(user[i].task);
    CHECK_EQ(pthread_join(user[i].thread, &result), 0);
    return (int)(intptr_t)result;
}

/* So many permits are free now. */
static void check_free(size_t permits)
{
    CHECK_EQ(bine_sem_acquire_until(&sem, permits + 1, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_sem_acquire_until(&sem, permits, BINE_NOW), 0);
    CHECK_EQ(bine_sem_acquire_until(&sem, 0, BINE_NOW), 0);
}

static void check_order(void)
{
    bine_sem_init(&sem, 2);
    served = 0;
    start(0, 5, BINE_NEVER);
    start(1, 1, BINE_NEVER);
    start(2, 1, BINE_NEVER);
    start(3, 4, BINE_NEVER);
    start(4, 1, BINE_NEVER);
    CHECK_EQ(bine_sem_acquire_until(&sem, 1, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_sem_acquire_until(&sem, 1, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(bine_sem_acquire_until(&sem, 0, BINE_NOW), 0); /* nothing is to be had at once */
    bine_sem_release(&sem, 2);
    CHECK_EQ(line_length(&sem), 5);
    CHECK_EQ(served, 0);
    bine_sem_release(&sem, 1); /* 5 */
    CHECK_EQ(line_length(&sem), 4);
    CHECK_EQ(end(0), 0);
    CHECK_EQ(served, 1);
    bine_sem_release(&sem, 3); /* 1, 1, and one of 4 */
    CHECK_EQ(line_length(&sem), 2);
    CHECK(end(1) == 0 && end(2) == 0);
    CHECK_EQ(served, 3);
    bine_sem_release(&sem, 3);
    CHECK_EQ(line_length(&sem), 1);
    CHECK_EQ(end(3), 0);
    bine_sem_release(&sem, 3);
    CHECK_EQ(end(4), 0);
    check_free(2);
}

static void check_giving_up_lets_others_through(bool by_cancel)
{
    bine_sem_init(&sem, 2);
    served = 0;
    start(0, 3, by_cancel ? BINE_NEVER : bine_after(BINE_MS(300)));
    start(1, 1, BINE_NEVER);
    start(2, 1, BINE_NEVER);
    start(3, SIZE_MAX, BINE_NEVER); /* never comes */
    start(4, 1, BINE_NEVER);
    CHECK_EQ(served, 0);
    if (by_cancel)
        bine_cancel(user[0].task);
    CHECK_EQ(end(0), by_cancel ? -ECANCELED : -ETIMEDOUT);
    CHECK(end(1) == 0 && end(2) == 0);
    CHECK_EQ(line_length(&sem), 2);
    bine_sem_release(&sem, 3);
    CHECK_EQ(line_length(&sem), 2);
    bine_cancel(user[3].task);
    CHECK_EQ(end(3), -ECANCELED);
    CHECK_EQ(end(4), 0);
    check_free(2);
}

int main(void)
{
    check_order();
    check_giving_up_lets_others_through(true);
    check_giving_up_lets_others_through(false);
    return 0;
}
