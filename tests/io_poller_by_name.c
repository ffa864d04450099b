/*
 * BINE_POLLER chooses the poller; a name that is none gives one line that says so, and the usual
 * one.
 */
#include "test_support/child.h"
#include "test_support/net.h"

static int wait_for_byte(void)
{
    int ends[2];
    char byte;
    net_pair(ends);
    bine_future(ssize_t) reader = bine_async(bine_read, ends[0], &byte, 1);
    CHECK(reader);
    test_until_parked(1);
    CHECK_EQ(bine_write(ends[1], "x", 1), 1);
    CHECK_EQ(bine_await(reader), 1);
    net_close(ends);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return wait_for_byte();
    struct child *child = child_run_with("wait", "BINE_POLLER=epoll");
    CHECK_PASSED(child);
    CHECK_EQ(child->said[0], '\0');
    child = child_run_with("wait", "BINE_POLLER=");
    CHECK_PASSED(child);
    CHECK_EQ(child->said[0], '\0');
    child = child_run_with("wait", "BINE_POLLER=kqueue");
    CHECK_PASSED(child);
    CHECK(strstr(child->said, "BINE_POLLER=kqueue"));
    CHECK(strchr(child->said, '\n') == strrchr(child->said, '\n'));
    return 0;
}
