/* A function that is run once and comes back to the same once waits for itself: the program stops
 * with a message. */
#include "test_support/misuse.h"

static bine_once once;

static void come_back(void)
{
    bine_once_do(&once, come_back);
}

static void sleep_and_come_back(void)
{
    bine_sleep(BINE_MS(1)); /* perhaps on another thread by now */
    bine_once_do(&once, come_back);
}

static void come(void)
{
    bine_once_do(&once, come_back);
}

static void come_and_sleep(void)
{
    bine_once_do(&once, sleep_and_come_back);
}

static const struct misuse cases[] = {
    {come, "bine_once_do"},
    {come_and_sleep, "bine_once_do"},
};

int main(int argc, char **argv)
{
    return MISUSE_CHECK(argc, argv, cases);
}
