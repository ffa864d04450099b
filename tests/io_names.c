/*
 * Names are resolved without keeping a worker from its tasks, tried address by address, and one
 * that does not exist is an error.
 */
#include "test_support/net.h"

static int resolve_nobody(void)
{
    int fd = bine_dial("does-not-exist.invalid:80");
    CHECK(fd == -EADDRNOTAVAIL || fd == -ENETUNREACH);
    return 0;
}

/* localhost may have two addresses, and the listener one. */
static int dial_by_name(const char *address)
{
    char by_name[64];
    snprintf(by_name, sizeof by_name, "localhost%s", strrchr(address, ':'));
    int fd = bine_dial(by_name);
    CHECK(fd >= 0);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static int give_up(void)
{
    CHECK_EQ(bine_dial("does-not-exist.invalid:80"), -ECANCELED);
    return 0;
}

int main(void)
{
    char address[64];
    int listener = net_listen(address);
    CHECK_EQ(bine_run(dial_by_name, address), 0);
    CHECK_EQ(dial_by_name(address), 0);
    CHECK_EQ(bine_run(resolve_nobody), 0);
    bine_future(int) cancelled = bine_async(give_up);
    CHECK(cancelled);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 0);
    CHECK_EQ(bine_close(listener), 0);
    return 0;
}
