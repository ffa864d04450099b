/*
 * BINE_WITHIN and BINE_UNTIL: waits in the block fail with -ETIMEDOUT once the time has come, or
 * sooner where a nearer deadline is around; after the block the deadline is gone. Scopes opened in
 * the block inherit it, tasks started by bine_go do not. break and continue leave the block only.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set, go_on;

static void check_late(void)
{
    CHECK_EQ(bine_check(), -ETIMEDOUT);
    CHECK_EQ(bine_sleep(0), -ETIMEDOUT);
    CHECK_EQ(bine_event_wait(&never_set), -ETIMEDOUT);
    CHECK_EQ(bine_event_wait_until(&go_on, BINE_NOW), -ETIMEDOUT);
}

static int wait_for_go(void)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
    return 0;
}

static int wait_in_vain(void)
{
    CHECK_EQ(bine_event_wait(&never_set), -ETIMEDOUT);
    return 0;
}

static int leave_by_return(void)
{
    BINE_WITHIN (0) {
        check_late();
        return 3;
    }
    return 4;
}

static void check_nesting(void)
{
    BINE_WITHIN (BINE_S(1000)) {
        CHECK_EQ(bine_check(), 0);
        BINE_WITHIN (BINE_US(100)) {
            CHECK_EQ(bine_event_wait(&never_set), -ETIMEDOUT);
            check_late();
            BINE_WITHIN (BINE_S(1000)) /* the nearer one counts */
            {
                check_late();
            }
        }
        CHECK_EQ(bine_check(), 0);
        CHECK_EQ(bine_sleep(1), 0);
        BINE_UNTIL (bine_now()) {
            check_late();
        }
        BINE_UNTIL (BINE_NOW) {
            check_late();
        }
        BINE_UNTIL (BINE_NEVER) {
            CHECK_EQ(bine_check(), 0);
        }
        CHECK_EQ(bine_check(), 0);
    }
    CHECK_EQ(bine_check(), 0);
}

static void check_ways_out(void)
{
    int rounds = 0;
    CHECK_EQ(leave_by_return(), 3);
    CHECK_EQ(bine_check(), 0);
    for (int i = 0; i < 4; i++) {
        BINE_WITHIN (0) {
            if (i % 2)
                break;
            continue;
        }
        CHECK_EQ(bine_check(), 0);
        rounds++;
    }
    CHECK_EQ(rounds, 4);
    BINE_WITHIN (0) {
        goto out;
    }
out:
    CHECK_EQ(bine_check(), 0);
}

static void check_inheritance(void)
{
    bine_future(int) not_inside;
    BINE_WITHIN (BINE_MS(1)) {
        not_inside = bine_async(wait_for_go);
        CHECK(not_inside);
        bine_scope scope;
        bine_scope_open(&scope, BINE_NEVER);
        int error = bine_scope_go(&scope, wait_in_vain);
        CHECK(error == 0 || (error == -ECANCELED && bine_check() == -ETIMEDOUT));
        CHECK_EQ(bine_scope_close(&scope), error ? 0 : -ETIMEDOUT);
        EVENTUALLY(bine_check() == -ETIMEDOUT);
        CHECK_EQ(bine_scope_go(&scope, wait_in_vain), -ECANCELED);
    }
    bine_event_set(&go_on);
    CHECK_EQ(bine_await(not_inside), 0);
    bine_event_clear(&go_on);
}

/* The block is around the caller, a scope opened before is not in it. */
static void check_scope_outside(void)
{
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    BINE_WITHIN (0) {
        CHECK_EQ(bine_scope_go(&scope, wait_for_go), 0);
        check_late();
    }
    CHECK_EQ(bine_check(), 0);
    bine_event_set(&go_on);
    CHECK_EQ(bine_scope_close(&scope), 0);
    bine_event_clear(&go_on);
}

static int check_all(void)
{
    check_nesting();
    check_ways_out();
    check_inheritance();
    check_scope_outside();
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(40); i++) {
        CHECK_EQ(check_all(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
