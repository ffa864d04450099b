/* Joining in another order than the reverse of forking, joining twice, and a task that ends without
 * having joined stop the program with a message that names the call. */
#include "test_support/misuse.h"
#include <bine/parallel.h>

static int one(int number)
{
    return number;
}

static void join_oldest_first(void)
{
    bine_child(int) a, b, c;
    bine_fork(&a, one, 1);
    bine_fork(&b, one, 2);
    bine_fork(&c, one, 3);
    bine_join(&a);
}

static void join_twice(void)
{
    bine_child(int) a, b, c;
    bine_fork(&a, one, 1);
    bine_fork(&b, one, 2);
    bine_fork(&c, one, 3);
    bine_join(&c);
    bine_join(&c);
}

static void fork_and_leave(void)
{
    bine_child(int) *child = malloc(sizeof *child);
    bine_fork(child, one, 1);
}

static void leave_unjoined(void)
{
    bine_future(void) task = bine_async_with(BINE_OPTIONS(.name = "culprit"), fork_and_leave);
    CHECK(task);
    bine_await(task);
}

static const struct misuse cases[] = {
    {join_oldest_first, "bine_join"},
    {join_twice, "bine_join"},
    {leave_unjoined, "bine_fork"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
