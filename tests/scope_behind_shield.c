/*
 * Behind a shield, cancellation and deadlines that were there when it went up do not count, and
 * what is set up inside does: a scope opened there, with its tasks, goes on while what is around it
 * is cancelled, and ends by its own. Once the shield is down it is inside again.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;
static bine_event go_on;
static _Atomic bool shielded;

static int wait_for_go(void)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
    return 0;
}

static int wait_until_cancelled(void)
{
    CHECK_EQ(bine_event_wait(&never_set), -ECANCELED);
    return 0;
}

/* In a scope that is cancelled while it waits behind its shield. */
static int clean_up(void)
{
    int error = 1;
    bool before = bine_shield(true);
    shielded = true;
    BINE_SCOPE (scope, BINE_NEVER, &error) {
        CHECK_EQ(bine_scope_go(&scope, wait_for_go), 0);
        CHECK_EQ(bine_event_wait(&go_on), 0);
        CHECK_EQ(bine_check(), 0);
    }
    CHECK_EQ(error, 0);
    BINE_SCOPE (scope, BINE_NEVER, &error) /* its own cancel counts, for the owner as well */
    {
        CHECK_EQ(bine_scope_go(&scope, wait_until_cancelled), 0);
        CHECK_EQ(bine_check(), 0);
        bine_scope_cancel(&scope, -ENOENT);
        CHECK_EQ(bine_sleep(1), -ECANCELED);
    }
    CHECK_EQ(error, -ENOENT);
    BINE_WITHIN (0) {
        CHECK_EQ(bine_check(), -ETIMEDOUT);
    }
    CHECK_EQ(bine_check(), 0);
    bine_shield(before);
    CHECK_EQ(bine_check(), -ECANCELED);
    return 0;
}

static void check_cancelled_around(void)
{
    bine_scope scope;
    bine_event_clear(&go_on);
    shielded = false;
    bine_scope_open(&scope, BINE_NEVER);
    CHECK_EQ(bine_scope_go(&scope, clean_up), 0);
    EVENTUALLY(shielded);
    bine_yield();
    bine_scope_cancel(&scope, -EXDEV);
    bine_event_set(&go_on);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
}

static void check_late_around(void)
{
    BINE_WITHIN (0) {
        CHECK_EQ(bine_check(), -ETIMEDOUT);
        BINE_SHIELDED
        {
            int error = 1;
            CHECK_EQ(bine_sleep(1), 0);
            BINE_SCOPE (scope, BINE_NEVER, &error) {
                CHECK_EQ(bine_scope_go(&scope, wait_for_go), 0);
                CHECK_EQ(bine_sleep(1), 0);
            }
            CHECK_EQ(error, 0);
            BINE_WITHIN (0) {
                CHECK_EQ(bine_check(), -ETIMEDOUT);
                BINE_SHIELDED /* it is up already: nothing changes */
                {
                    CHECK_EQ(bine_check(), -ETIMEDOUT);
                }
            }
            CHECK_EQ(bine_check(), 0);
        }
        CHECK_EQ(bine_check(), -ETIMEDOUT);
    }
    CHECK_EQ(bine_check(), 0);
}

/* Up, down inside, up again: what was set up stays where it was. */
static void check_taken_down_inside(void)
{
    bine_scope outer, inner;
    bine_scope_open(&outer, BINE_NEVER);
    bine_scope_cancel(&outer, 0);
    BINE_SHIELDED
    {
        bine_scope_open(&inner, BINE_NEVER);
        CHECK_EQ(bine_scope_go(&inner, wait_until_cancelled), 0);
        CHECK_EQ(bine_check(), 0);
        BINE_WITHIN (BINE_S(1000)) {
            CHECK(bine_shield(false));
            CHECK_EQ(bine_check(), -ECANCELED);
            CHECK_EQ(bine_scope_go(&inner, wait_until_cancelled), -ECANCELED);
            CHECK(!bine_shield(true));
            CHECK_EQ(bine_check(), 0);
        }
        CHECK_EQ(bine_check(), 0);
        CHECK_EQ(bine_scope_close(&inner), -ECANCELED);
        CHECK_EQ(bine_check(), 0);
    }
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_scope_close(&outer), 0);
    CHECK_EQ(bine_check(), 0);
}

/* A scope that was opened before the shield is closed behind it, and its deadline goes with it. */
static void check_closed_behind(void)
{
    bine_scope outer;
    bine_scope_open(&outer, BINE_NOW);
    bool before = bine_shield(true);
    CHECK_EQ(bine_check(), 0);
    CHECK_EQ(bine_scope_close(&outer), 0);
    CHECK_EQ(bine_sleep(1), 0);
    bine_shield(before);
    CHECK_EQ(bine_check(), 0);
}

static int check_all(void)
{
    check_cancelled_around();
    check_late_around();
    check_taken_down_inside();
    check_closed_behind();
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(100); i++) {
        CHECK_EQ(check_all(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
