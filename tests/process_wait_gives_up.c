/*
 * A wait for a process ends by cancellation or a deadline. The process goes on, unless it was to be
 * killed then: then it is gone when the wait returns. One that is dropped leaves no zombie.
 */
#include "test.h"
#include <bine/process.h>
#include <bine/scope.h>
#include <sys/wait.h>

static void start(bine_process *process, bool kill_on_cancel)
{
    CHECK_EQ(bine_process_start(process, BINE_ARGV("sleep", "1000"),
                                BINE_PROCESS_OPTIONS(.kill_on_cancel = kill_on_cancel)),
             0);
}

static void end(bine_process *process)
{
    int status;
    CHECK_EQ(bine_process_kill(process, 0), 0);
    CHECK_EQ(bine_process_kill(process, SIGTERM), 0);
    CHECK_EQ(bine_process_wait(process, &status), 0);
    CHECK_EQ(status, -SIGTERM);
}

static void expect_gone(bine_process *process, int status)
{
    CHECK_EQ(status, -SIGKILL);
    CHECK_EQ(bine_process_kill(process, 0), -ESRCH);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

static int wait_here(bine_process *process, int *status)
{
    return bine_process_wait(process, status);
}

static void check_cancel(bool kill_on_cancel)
{
    bine_process process;
    int status = 0;
    start(&process, kill_on_cancel);
    bine_future(int) waiter = bine_async(wait_here, &process, &status);
    CHECK(waiter);
    bine_cancel(waiter);
    CHECK_EQ(bine_await(waiter), -ECANCELED);
    if (kill_on_cancel)
        expect_gone(&process, status);
    else
        end(&process);
}

static void check_deadline(bool kill_on_cancel)
{
    bine_process process;
    int status = 0;
    start(&process, kill_on_cancel);
    CHECK_EQ(bine_process_wait_until(&process, &status, bine_after(BINE_MS(1))), -ETIMEDOUT);
    CHECK_EQ(bine_process_kill(&process, 0), 0); /* its own deadline only limits the waiting */
    BINE_WITHIN (BINE_MS(1))
        CHECK_EQ(bine_process_wait(&process, &status), -ETIMEDOUT);
    if (kill_on_cancel)
        expect_gone(&process, status);
    else
        end(&process);
}

static void check_drop(void)
{
    bine_process process;
    start(&process, false);
    pid_t pid = process.pid;
    bine_process_drop(&process);
    CHECK_EQ(bine_process_kill(&process, SIGTERM), -ESRCH);
    CHECK_EQ(kill(pid, 0), 0); /* it goes on */
    CHECK_EQ(kill(pid, SIGTERM), 0);
    EVENTUALLY(kill(pid, 0) != 0); /* a zombie would still be there */
}

/* Somebody else has taken the status. */
static void check_lost(void)
{
    bine_process process;
    int status = 4711;
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("true"), NULL), 0);
    CHECK_EQ(waitpid(process.pid, NULL, 0), process.pid);
    CHECK_EQ(bine_process_wait(&process, &status), -ECHILD);
    CHECK_EQ(status, 4711);
    CHECK_EQ(bine_process_kill(&process, SIGTERM), -ESRCH);
}

static void check_all(void)
{
    check_cancel(false);
    check_cancel(true);
    check_deadline(false);
    check_deadline(true);
    check_drop();
    check_lost();
}

int main(void)
{
    bine_await(bine_async(check_all));
    return 0;
}
