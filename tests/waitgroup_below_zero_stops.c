/* A wait group that falls below zero stops the program with a message that names task and call. */
#include "test_support/misuse.h"

static bine_waitgroup group;

static void be_done_too_often(void)
{
    bine_waitgroup_add(&group, 2);
    for (int i = 0; i < 3; i++)
        bine_waitgroup_done(&group);
}

static void add_below_zero(void)
{
    bine_waitgroup_add(&group, 2);
    bine_waitgroup_add(&group, -3);
}

static const struct misuse cases[] = {
    {be_done_too_often, "bine_waitgroup_done:"},
    {add_below_zero, "bine_waitgroup_add:"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
