/* BINE_LOCKED holds the lock inside its block and releases it on every way out of it. */
#include "test_support/crowd.h"

enum { USERS = 16, ROUNDS = 2000 };

struct account {
    long balance;
    int visits;
};

static bine_guarded(struct account) account;
static bine_guarded(int) number;

static void check_free(void)
{
    CHECK_EQ(bine_try_lock(&account.mutex), 0);
    bine_unlock(&account.mutex);
}

static long leave_by_return(void)
{
    BINE_LOCKED (&account, a) {
        return a->balance;
    }
    return -1;
}

static void leave_by_goto(void)
{
    BINE_LOCKED (&account, a) {
        a->visits++;
        goto out;
    }
    CHECK(!"goto left the block");
out:
    check_free();
}

static void leave_by_break(void)
{
    int rounds = 0;
    for (int i = 0; i < 3; i++) {
        BINE_LOCKED (&account, a) {
            CHECK_EQ(bine_try_lock(&account.mutex), -EAGAIN);
            if (a->visits >= 0)
                break;
            CHECK(!"break left the block");
        }
        check_free();
        BINE_LOCKED (&account, a) {
            if (a->visits >= 0)
                continue;
            CHECK(!"continue left the block");
        }
        check_free();
        rounds++;
    }
    CHECK_EQ(rounds, 3);
}

static void leave_by_end(void)
{
    BINE_LOCKED (&account, a) {
        a->balance += 1;
        BINE_LOCKED (&number, n) {
            *n += 1;
        }
        CHECK_EQ(bine_try_lock(&number.mutex), 0);
        bine_unlock(&number.mutex);
    }
    check_free();
}

static void use_often(int who)
{
    (void)who;
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        BINE_LOCKED (&account, a) {
            long before = a->balance;
            if (i % 100 == 0)
                bine_yield();
            a->balance = before + 1;
        }
}

int main(void)
{
    leave_by_end();
    CHECK_EQ(leave_by_return(), 1);
    check_free();
    leave_by_goto();
    leave_by_break();
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    CHECK_EQ(account.data.balance, 1 + (long)USERS * test_scaled(ROUNDS));
    CHECK_EQ(number.data, 1);
    return 0;
}
