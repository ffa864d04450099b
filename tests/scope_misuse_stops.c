/* Misuse of scopes stops the program with a message that names the call. */
#include "test_support/misuse.h"
#include <bine/scope.h>

static bine_scope shared;

static void close_in_wrong_order(void)
{
    bine_scope outer, inner;
    bine_scope_open(&outer, BINE_NEVER);
    bine_scope_open(&inner, BINE_NEVER);
    bine_scope_close(&outer);
}

static void close_twice(void)
{
    bine_scope_open(&shared, BINE_NEVER);
    bine_scope_close(&shared);
    bine_scope_close(&shared);
}

static void close_never_opened(void)
{
    bine_scope_close(&shared);
}

static int close_shared(void)
{
    return bine_scope_close(&shared);
}

static void close_by_another(void)
{
    bine_scope_open(&shared, BINE_NEVER);
    bine_future(int) other = bine_async_with(BINE_OPTIONS(.name = "culprit"), close_shared);
    bine_await(other);
}

static void leave_open(void)
{
    bine_scope_open(&shared, BINE_NEVER);
}

static void task_leaves_open(void)
{
    bine_future(void) task = bine_async_with(BINE_OPTIONS(.name = "culprit"), leave_open);
    bine_await(task);
}

static void limit_zero(void)
{
    bine_scope_open(&shared, BINE_NEVER);
    bine_scope_limit(&shared, 0);
}

static void cancel_with_positive(void)
{
    bine_scope_open(&shared, BINE_NEVER);
    bine_scope_cancel(&shared, 5);
}

static void open_with_span(void)
{
    bine_scope_open(&shared, BINE_MS(5));
}

static void until_span(void)
{
    BINE_UNTIL (BINE_MS(5)) {
        bine_yield();
    }
}

static const struct misuse cases[] = {
    {close_in_wrong_order, "bine_scope_close"},
    {close_twice, "bine_scope_close"},
    {close_never_opened, "bine_scope_close"},
    {close_by_another, "bine_scope_close"},
    {task_leaves_open, "bine_scope_open"},
    {limit_zero, "bine_scope_limit"},
    {cancel_with_positive, "bine_scope_cancel"},
    {open_with_span, "bine_scope_open"},
    {until_span, "BINE_UNTIL"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
