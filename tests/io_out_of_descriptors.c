/*
 * Out of descriptors, accepting fails with -EMFILE at a measured pace, and the connection is there
 * once a descriptor is; dialling and opening fail at once, and nothing leaks.
 */
#include "test_support/process.h"
#include "test_support/net.h"
#include <sys/resource.h>

enum { LIMIT = 64, FAILURES = 20 };

static int spare[LIMIT];
static int spares;

static void use_all_up(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        spare[spares++] = fd;
    CHECK(errno == EMFILE);
}

static void give_back(int count)
{
    while (count-- > 0)
        close(spare[--spares]);
}

static int fail_to_accept(int listener)
{
    for (int i = 0; i < FAILURES; i++)
        CHECK_EQ(bine_accept(listener), -EMFILE);
    return 0;
}

static int fail_to_open(const char *address)
{
    CHECK_EQ(bine_dial(address), -EMFILE);
    CHECK_EQ(bine_open("/dev/null", O_RDONLY, 0), -EMFILE);
    CHECK_EQ(bine_listen("127.0.0.1:0", 1), -EMFILE);
    return 0;
}

int main(void)
{
    struct rlimit limit = {LIMIT, LIMIT};
    char address[64];
    int ends[2];
    net_pair(ends); /* opens what bine needs for itself */
    bine_future(ssize_t) reader = bine_async(bine_read, ends[0], address, 1);
    CHECK(reader);
    test_until_parked(1);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int listener = net_listen(address), client = bine_dial(address);
    CHECK(client >= 0);
    use_all_up();
    int64_t before = process_cpu_ns();
    CHECK_EQ(bine_run(fail_to_accept, listener), 0);
    CHECK(process_cpu_ns() - before < (TEST_SANITIZED ? 1000000000 : 100000000)); /* of 200 ms */
    CHECK_EQ(bine_run(fail_to_open, address), 0);
    give_back(1);
    int server = bine_run(bine_accept, listener);
    CHECK(server >= 0);
    give_back(spares);
    CHECK_EQ(bine_close(server), 0);
    CHECK_EQ(bine_close(client), 0);
    CHECK_EQ(bine_close(listener), 0);
    CHECK_EQ(bine_write(ends[1], "x", 1), 1);
    CHECK_EQ(bine_await(reader), 1);
    net_close(ends);
    return 0;
}
