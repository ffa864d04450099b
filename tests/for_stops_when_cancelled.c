/*
 * A loop stops early and says why, where its caller is cancelled or out of time: before the first
 * piece or between two, whoever does them. Where nothing was left out it returns 0. Forks always
 * complete, and a taken child's waits end as its parent's would.
 */
#include "test.h"
#include <bine/parallel.h>
#include <bine/scope.h>

static _Atomic long called;

static void count(void *context, size_t begin, size_t end)
{
    (void)context;
    called += (long)(end - begin);
}

static void spin_and_count(void *context, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        test_spin(500);
    count(context, begin, end);
}

static bine_scope *scope_to_cancel;

static void cancel_at_1000(void *context, size_t begin, size_t end)
{
    spin_and_count(context, begin, end);
    if (begin <= 1000 && end > 1000)
        bine_scope_cancel(scope_to_cancel, 0);
}

static void add(void *context, size_t begin, size_t end, void *partial)
{
    (void)context;
    for (size_t i = begin; i < end; i++)
        test_spin(500);
    *(long *)partial += (long)(end - begin);
}

static void combine(void *context, void *left, const void *right)
{
    (void)context;
    *(long *)left += *(const long *)right;
}

static int cancelled_before(void)
{
    long result = -7, zero = 0;
    called = 0;
    BINE_SCOPE(scope, BINE_NEVER, NULL) {
        bine_scope_cancel(&scope, 0);
        CHECK_EQ(bine_for(0, 100, 0, count, NULL), -ECANCELED);
        CHECK_EQ(bine_for(5, 5, 0, count, NULL), 0);
        CHECK_EQ(bine_for(0, 100, 0, NULL, NULL), -EINVAL);
        CHECK_EQ(bine_reduce(0, 100, 0, &result, &zero, sizeof(zero), add, combine, NULL),
                 -ECANCELED);
        CHECK_EQ(result, -7);
        bool before = bine_shield(true);
        CHECK_EQ(bine_for(0, 100, 0, count, NULL), 0);
        bine_shield(before);
    }
    CHECK_EQ(called, 100);
    called = 0;
    BINE_UNTIL(bine_now()) {
        CHECK_EQ(bine_for(0, 100, 0, count, NULL), -ETIMEDOUT);
    }
    CHECK_EQ(called, 0);
    return 0;
}

static int cancelled_within(void)
{
    enum { HUGE_RANGE = 2000000000 };
    long result = -7, zero = 0;
    called = 0;
    BINE_SCOPE(scope, BINE_NEVER, NULL) {
        scope_to_cancel = &scope;
        CHECK_EQ(bine_for(0, HUGE_RANGE, 1, cancel_at_1000, NULL), -ECANCELED);
    }
    CHECK(called > 0 && called < HUGE_RANGE);
    BINE_WITHIN(BINE_MS(2)) {
        CHECK_EQ(bine_for(0, SIZE_MAX, 1, spin_and_count, NULL), -ETIMEDOUT);
    }
    BINE_WITHIN(BINE_MS(2)) {
        CHECK_EQ(bine_reduce(0, SIZE_MAX, 1, &result, &zero, sizeof(zero), add, combine, NULL),
                 -ETIMEDOUT);
        CHECK_EQ(result, -7);
    }
    return 0;
}

static void cancel_in_last(void *context, size_t begin, size_t end)
{
    (void)context;
    (void)begin;
    (void)end;
    bine_scope_cancel(scope_to_cancel, 0);
}

static int cancelled_after(void)
{
    BINE_SCOPE(scope, BINE_NEVER, NULL) {
        scope_to_cancel = &scope;
        CHECK_EQ(bine_for(0, 10, 10, cancel_in_last, NULL), 0);
    }
    return 0;
}

/* --- children --- */

static _Atomic int began, ended;

static int wait_for_cancel(void)
{
    began++;
    int result = bine_sleep_until(BINE_NEVER);
    ended++;
    return result;
}

static int fork_and_wait(void)
{
    bine_child(int) a, b;
    bine_fork(&a, wait_for_cancel);
    bine_fork(&b, wait_for_cancel);
    int result = wait_for_cancel(); /* which settles them */
    CHECK_EQ(result, -ECANCELED);
    CHECK_EQ(bine_join(&b), -ECANCELED);
    CHECK_EQ(bine_join(&a), -ECANCELED);
    return result;
}

static int cancel_parent(void)
{
    began = ended = 0;
    bine_future(int) parent = bine_async(fork_and_wait);
    CHECK(parent);
    EVENTUALLY(began == 3);
    bine_cancel(parent);
    CHECK_EQ(bine_await(parent), -ECANCELED);
    CHECK_EQ(ended, 3);
    return 0;
}

static int sleep_long(void)
{
    return bine_sleep(BINE_S(1000));
}

static int deadline_is_inherited(void)
{
    BINE_WITHIN(BINE_MS(2)) {
        bine_child(int) a, b;
        bine_fork(&a, sleep_long);
        bine_fork(&b, sleep_long);
        CHECK_EQ(sleep_long(), -ETIMEDOUT);
        CHECK_EQ(bine_join(&b), -ETIMEDOUT);
        CHECK_EQ(bine_join(&a), -ETIMEDOUT);
    }
    return 0;
}

static int check_now(void)
{
    return bine_check();
}

/* What comes around the parent after the fork is not around the child; nor is what the shield hides. */
static int shield_is_inherited(void)
{
    bine_child(int) free, shielded, late;
    BINE_SCOPE(scope, BINE_NEVER, NULL) {
        bine_fork(&free, check_now);
        BINE_UNTIL(bine_now()) {
            CHECK_EQ(bine_check(), -ETIMEDOUT);
            bine_fork(&late, check_now);
            bine_yield();
            CHECK_EQ(bine_join(&late), -ETIMEDOUT);
            BINE_SHIELDED {
                bine_fork(&shielded, check_now);
                bine_yield();
                CHECK_EQ(bine_join(&shielded), 0);
            }
        }
        CHECK_EQ(bine_join(&free), 0);
    }
    return 0;
}

static int check_all(void)
{
    CHECK_EQ(cancelled_before(), 0);
    CHECK_EQ(cancelled_within(), 0);
    CHECK_EQ(cancelled_after(), 0);
    CHECK_EQ(cancel_parent(), 0);
    CHECK_EQ(deadline_is_inherited(), 0);
    CHECK_EQ(shield_is_inherited(), 0);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(40); i++) {
        CHECK_EQ(bine_run(check_all), 0);
        CHECK_EQ(check_all(), 0);
    }
    return 0;
}
