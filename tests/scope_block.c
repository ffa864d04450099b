/*
 * BINE_SCOPE closes its scope on every way out; leaving before the end of the block cancels it
 * first. break and continue leave the block only.
 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;
static _Atomic int ended;

static int wait_for_ever(void)
{
    int result = bine_event_wait(&never_set);
    CHECK_EQ(result, -ECANCELED);
    ended++;
    return result;
}

static int end_at_once(void)
{
    ended++;
    return 0;
}

static int fail(void)
{
    return -EBADMSG;
}

static int return_early(int *error)
{
    BINE_SCOPE (scope, BINE_NEVER, error) {
        CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
        return 5;
    }
    return 6;
}

static int run(void)
{
    int error = 1, rounds = 0;
    BINE_SCOPE (scope, BINE_NEVER, &error) {
        CHECK_EQ(bine_scope_go(&scope, end_at_once), 0);
    }
    CHECK_EQ(error, 0);
    CHECK_EQ(ended, 1);

    BINE_SCOPE (scope, BINE_NEVER, &error) {
        CHECK_EQ(bine_scope_go(&scope, fail), 0);
    }
    CHECK_EQ(error, -EBADMSG);

    CHECK_EQ(return_early(&error), 5);
    CHECK_EQ(error, -ECANCELED);
    CHECK_EQ(ended, 2);

    for (int i = 0; i < 3; i++) {
        BINE_SCOPE (scope, BINE_NEVER, &error) {
            CHECK_EQ(bine_scope_go(&scope, wait_for_ever), 0);
            break;
        }
        CHECK_EQ(error, -ECANCELED);
        rounds++;
    }
    CHECK_EQ(rounds, 3);
    CHECK_EQ(ended, 5);

    for (int i = 0; i < 3; i++) {
        BINE_SCOPE (scope, BINE_NEVER, &error) {
            CHECK_EQ(bine_scope_go(&scope, end_at_once), 0);
            if (i < 5)
                continue; /* that is the end of the block */
        }
        CHECK_EQ(error, 0);
        rounds++;
    }
    CHECK_EQ(rounds, 6);

    BINE_SCOPE (outer, BINE_NEVER, NULL) {
        CHECK_EQ(bine_scope_go(&outer, wait_for_ever), 0);
        BINE_SCOPE (inner, BINE_NEVER, &error) {
            CHECK_EQ(bine_scope_go(&inner, wait_for_ever), 0);
            goto out;
        }
    }
out:
    CHECK_EQ(error, -ECANCELED);
    CHECK_EQ(ended, 10);
    CHECK_EQ(bine_check(), 0);
    return 0;
}

int main(void)
{
    CHECK_EQ(run(), 0);
    ended = 0;
    CHECK_EQ(bine_run(run), 0);
    return 0;
}
