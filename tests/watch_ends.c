/* What a watch says when it is closed, when nothing changes, when who waits is cancelled, and to
 * NULL; and that each value is dropped once. */
#include "test_support/line.h"
#include <bine/watch.h>

static bine_watch(int *) watch;
static int copied, dropped;

static int *make(int number)
{
    int *made = malloc(sizeof(*made));
    CHECK(made);
    *made = number;
    return made;
}

static void copy(int **value)
{
    *value = make(**value);
    copied++;
}

static void drop(int **value)
{
    free(*value);
    dropped++;
}

static int wait_for(uint64_t seen)
{
    int *value = NULL;
    int error = bine_watch_wait(watch, &value, &seen);
    int number = error ? error : *value;
    free(value);
    return number;
}

static void check_waits(void)
{
    uint64_t seen = 1;
    int *value = NULL;
    CHECK_EQ(bine_watch_try_wait(watch, &value, &seen), -EAGAIN);
    CHECK_EQ(bine_watch_wait_until(watch, &value, &seen, BINE_NOW), -EAGAIN);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(bine_watch_wait_until(watch, &value, &seen, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline && !value && seen == 1);
    CHECK_EQ(copied, 0);

    bine_future(int) waiting = bine_async(wait_for, seen);
    CHECK(waiting);
    line_until(watch, 1);
    bine_cancel(waiting);
    CHECK_EQ(bine_await(waiting), -ECANCELED);
    CHECK_EQ(line_length(watch), 0);

    CHECK((waiting = bine_async(wait_for, seen)));
    line_until(watch, 1);
    CHECK_EQ(bine_watch_send(watch, make(2)), 0);
    bine_cancel(waiting); /* too late */
    CHECK_EQ(bine_await(waiting), 2);
    CHECK(copied == 1 && dropped == 1); /* the first value */
    CHECK_EQ(wait_for(0), 2);
}

static void check_closed(void)
{
    uint64_t seen = 2;
    int *value = NULL;
    bine_future(int) waiting = bine_async(wait_for, seen);
    line_until(watch, 1);
    CHECK_EQ(bine_watch_close(watch), 0);
    CHECK_EQ(bine_await(waiting), -EPIPE);
    CHECK_EQ(bine_watch_close(watch), -EPIPE);
    int *refused = make(3);
    CHECK_EQ(bine_watch_send(watch, refused), -EPIPE);
    free(refused);
    CHECK_EQ(wait_for(0), 2);
    CHECK_EQ(bine_watch_wait(watch, NULL, &seen), -EPIPE);
    CHECK_EQ(bine_watch_get(watch, &value), 0);
    CHECK_EQ(*value, 2);
    free(value);
}

static void check_null(void)
{
    bine_watch(int *) none = NULL;
    uint64_t seen = 0;
    CHECK(bine_watch_ref(none) == NULL);
    bine_watch_unref(none);
    bine_watch_on_copy(none, copy);
    bine_watch_on_drop(none, drop);
    CHECK_EQ(bine_watch_send(none, NULL), -EINVAL);
    CHECK_EQ(bine_watch_close(none), -EINVAL);
    CHECK_EQ(bine_watch_get(none, NULL), -EINVAL);
    CHECK_EQ(bine_watch_version(none), 0);
    CHECK_EQ(bine_watch_wait(none, NULL, &seen), -EINVAL);
    CHECK_EQ(bine_watch_try_wait(none, NULL, &seen), -EINVAL);
    CHECK_EQ(bine_watch_wait(watch, NULL, NULL), -EINVAL);
}

int main(void)
{
    CHECK((watch = bine_watch_make(int *, make(1))));
    bine_watch_on_copy(watch, copy);
    bine_watch_on_drop(watch, drop);
    check_waits();
    check_closed();
    check_null();
    bine_watch(int *) second = bine_watch_ref(watch);
    bine_watch_unref(watch);
    CHECK_EQ(dropped, 1);
    bine_watch_unref(second);
    CHECK_EQ(dropped, 2);
    return 0;
}
