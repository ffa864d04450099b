/*
 * In the child of a fork descriptors work as if newly opened, and what it does there disturbs
 * nobody in the parent, who goes on waiting on the same ones. (The sanitizers' own runtimes do not
 * survive a fork of a process with threads.)
 */
/* test: plain */
#include "test_support/child.h"
#include "test_support/net.h"

static int read_byte(int fd)
{
    char byte;
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    return byte;
}

__attribute__((noreturn)) static void use_afresh(const int inherited[2])
{
    int own[2];
    char byte;
    test_start_watchdog();
    net_pair(own);
    bine_future(int) reader = bine_async(read_byte, own[0]);
    CHECK(reader);
    usleep(2000); /* likely it waits by then */
    CHECK_EQ(bine_write(own[1], "c", 1), 1);
    CHECK_EQ(bine_await(reader), 'c');
    net_close(own);
    CHECK_EQ(bine_write(inherited[1], "i", 1), 1); /* for the parent's reader */
    CHECK_EQ(bine_close(inherited[1]), 0);
    CHECK_EQ(bine_close(inherited[0]), 0);
    CHECK_EQ(bine_read(inherited[0], &byte, 1), -EBADF);
    CHECK_EQ(bine_pool_close(NULL), 0);
    _exit(0);
}

static int fork_in_task(int *ends)
{
    pid_t pid = fork();
    if (pid == 0)
        use_afresh(ends);
    return (int)pid;
}

static void check(int from_task)
{
    int ends[2];
    net_pair(ends);
    bine_future(int) reader = bine_async(read_byte, ends[0]);
    CHECK(reader);
    test_until_parked(1);
    int pid = from_task ? bine_run(fork_in_task, ends) : fork_in_task(ends);
    child_join(pid);
    CHECK_EQ(bine_await(reader), 'i');
    net_close(ends);
}

int main(void)
{
    check(0);
    check(1);
    return 0;
}
