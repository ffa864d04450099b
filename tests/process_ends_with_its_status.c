/*
 * A process's end is told as its exit status or the signal that ended it, once and again, to tasks
 * and plain threads, whether descriptors for processes are to be had or not.
 */
#include "test.h"
#include <bine/io.h>
#include <bine/process.h>

enum { CHILDREN = 20 };

extern int (*process_open_pidfd)(pid_t pid);

static int no_pidfd(pid_t pid)
{
    (void)pid;
    return -ENOSYS;
}

static void start_shell(bine_process *process, const char *script)
{
    CHECK_EQ(bine_process_start(process, BINE_ARGV("sh", "-c", (char *)script), NULL), 0);
    CHECK(process->pid > 0);
    CHECK(process->input == -1 && process->output == -1 && process->error == -1);
}

static void expect(const char *script, int expected)
{
    bine_process process;
    int status = 12345;
    start_shell(&process, script);
    CHECK_EQ(bine_process_wait(&process, &status), 0);
    CHECK_EQ(status, expected);
    status = 12345;
    CHECK_EQ(bine_process_wait_until(&process, &status, BINE_NOW), 0);
    CHECK_EQ(status, expected);
    CHECK_EQ(bine_process_kill(&process, 0), -ESRCH);
    bine_process_drop(&process);
}

static void check_all(void)
{
    expect("exit 0", 0);
    expect("exit 1", 1);
    expect("exit 255", 255);
    expect("kill -TERM $$", -SIGTERM);
    expect("kill -KILL $$", -SIGKILL);
}

static void *check_on_thread(void *unused)
{
    check_all();
    return unused;
}

/* Many at once do not mix up their statuses. */
static void check_one(int number)
{
    char script[32];
    snprintf(script, sizeof script, "exit %d", number);
    expect(script, number);
}

static void check_many(void)
{
    bine_future(void) futures[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        CHECK((futures[i] = bine_async(check_one, i)));
    for (int i = 0; i < CHILDREN; i++)
        bine_await(futures[i]);
}

static int wait_for(bine_process *process)
{
    int status = -1;
    CHECK_EQ(bine_process_wait(process, &status), 0);
    return status;
}

/* Several may wait for one, and it ends for each. */
static void check_waiters(void)
{
    bine_process process;
    bine_future(int) waiters[4];
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("cat"),
                                BINE_PROCESS_OPTIONS(.input = BINE_PIPE, .output = BINE_NULL)),
             0);
    for (int i = 0; i < 4; i++)
        CHECK((waiters[i] = bine_async(wait_for, &process)));
    CHECK_EQ(bine_process_wait_until(&process, NULL, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_process_wait_until(&process, NULL, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(bine_close(process.input), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(bine_await(waiters[i]), 0);
}

static void check_everywhere(void)
{
    bine_await(bine_async(check_all));
    test_join(test_thread(check_on_thread, NULL));
    bine_await(bine_async(check_many));
    bine_await(bine_async(check_waiters));
    check_waiters();
}

int main(void)
{
    check_everywhere();
    process_open_pidfd = no_pidfd;
    check_everywhere();
    return 0;
}
