/*
 * A read-write lock is given in the order in which it was asked for: a waiting writer holds new
 * readers back, readers that stand one behind the other come in together, and one that gives up
 * lets those behind it through.
 */
#include "test_support/line.h"

enum { MOST = 8 };

static bine_rwlock lock;
static _Atomic int entered;
static struct user {
    bool writes, in_thread;
    bine_time deadline;
    _Atomic int place; /* the how-manieth to come in; 0: not yet */
    _Atomic bool leaves;
    bine_future(int) task;
    pthread_t thread;
} user[MOST];

static int use(struct user *user)
{
    int error = user->writes ? bine_write_lock_until(&lock, user->deadline)
                             : bine_read_lock_until(&lock, user->deadline);
    if (error)
        return error;
    user->place = ++entered;
    EVENTUALLY(user->leaves);
    (user->writes ? bine_write_unlock : bine_read_unlock)(&lock);
    return 0;
}

static void *use_in_thread(void *user)
{
    return (void *)(intptr_t)use(user);
}

static void start(int i, bool writes, bine_time deadline)
{
    user[i].writes = writes;
    user[i].in_thread = i % 3 == 2;
    user[i].deadline = deadline;
    user[i].place = 0;
    user[i].leaves = false;
    if (user[i].in_thread)
        user[i].thread = test_thread(use_in_thread, &user[i]);
    else
        CHECK((user[i].task = bine_async(use, &user[i])));
}

/* "wrr": first a writer, who comes in, then two readers, who wait behind it. */
static void start_all(const char *roles)
{
    entered = 0;
    for (int i = 0; roles[i]; i++) {
        start(i, roles[i] == 'w', BINE_NEVER);
        if (i == 0)
            EVENTUALLY(entered == 1);
        line_until(&lock, i);
    }
}

/* Lets a user leave, and waits until it has. */
static void end(int i)
{
    void *result;
    user[i].leaves = true;
    if (user[i].in_thread) {
        CHECK_EQ(pthread_join(user[i].thread, &result), 0);
        CHECK_EQ((int)(intptr_t)result, 0);
    } else {
        CHECK_EQ(bine_await(user[i].task), 0);
    }
}

/* From now on `count` have come in, and `waiting` still wait. */
static void check_entered(int count, int waiting)
{
    EVENTUALLY(entered >= count);
    CHECK_EQ(line_length(&lock), waiting);
    CHECK_EQ(entered, count);
}

static void check_free(void)
{
    CHECK_EQ(bine_write_lock_until(&lock, BINE_NOW), 0);
    bine_write_unlock(&lock);
}

static void check_order(void)
{
    start_all("wwrrwr");
    end(0);
    check_entered(2, 4);
    CHECK_EQ(user[1].place, 2);
    end(1);
    check_entered(4, 2); /* both readers */
    end(3);
    CHECK_EQ(entered, 4);
    end(2);
    check_entered(5, 1);
    CHECK_EQ(user[4].place, 5);
    end(4);
    check_entered(6, 0);
    end(5);
    check_free();
}

static void check_new_readers_are_held_back(void)
{
    start_all("rwr");
    CHECK_EQ(bine_read_lock_until(&lock, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_read_lock_until(&lock, bine_after(BINE_MS(2))), -ETIMEDOUT);
    check_entered(1, 2);
    end(0);
    check_entered(2, 1);
    CHECK_EQ(user[1].place, 2);
    end(1);
    check_entered(3, 0);
    end(2);
    check_free();
}

/* A reader is in; the writer that holds two others back is cancelled, or its time is over. */
static void check_giving_up_lets_others_through(bool by_cancel)
{
    start_all("r");
    start(1, true, by_cancel ? BINE_NEVER : bine_after(BINE_MS(300)));
    line_until(&lock, 1);
    for (int i = 2; i <= 4; i++) {
        start(i, i == 4, BINE_NEVER);
        line_until(&lock, i);
    }
    CHECK_EQ(entered, 1);
    if (by_cancel)
        bine_cancel(user[1].task);
    CHECK_EQ(bine_await(user[1].task), by_cancel ? -ECANCELED : -ETIMEDOUT);
    check_entered(3, 1);
    for (int i = 2; i <= 3; i++)
        end(i);
    CHECK_EQ(entered, 3);
    end(0);
    end(4);
    check_free();
}

int main(void)
{
    check_order();
    check_new_readers_are_held_back();
    check_giving_up_lets_others_through(true);
    check_giving_up_lets_others_through(false);
    return 0;
}
