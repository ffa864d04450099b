/* What keeps a program from starting is what start returns, and nothing is left of it then. */
#include "test.h"
#include <bine/process.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int count_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void refuse(int expected, char *const *argv, bine_process_options options)
{
    bine_process process = {.pid = 4711};
    int before = count_descriptors();
    CHECK_EQ(bine_process_start(&process, argv, &options), expected);
    CHECK_EQ(process.pid, 4711);
    CHECK_EQ(count_descriptors(), before);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
}

static void check_programs(void)
{
    const bine_process_options pipes = {
        .input = BINE_PIPE, .output = BINE_PIPE, .error = BINE_PIPE};
    char path[] = "/tmp/bine-test-XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    CHECK(file >= 0);
    close(file);
    refuse(-ENOENT, BINE_ARGV("/no/such/program"), pipes);
    refuse(-ENOENT, BINE_ARGV("no-such-program-along-the-path"), pipes);
    refuse(-EACCES, BINE_ARGV(path), pipes);
    refuse(-EACCES, BINE_ARGV("/"), pipes);
    refuse(-ENOENT, BINE_ARGV("true"), (bine_process_options){.directory = "/no/such/directory"});
    refuse(-ENOTDIR, BINE_ARGV("true"), (bine_process_options){.directory = path});
    refuse(-EBADF, BINE_ARGV("true"), (bine_process_options){.output = 987654});
    CHECK_EQ(unlink(path), 0);
}

static void check_arguments(void)
{
    bine_process process;
    char *none[] = {NULL};
    CHECK_EQ(bine_process_start(NULL, BINE_ARGV("true"), NULL), -EINVAL);
    CHECK_EQ(bine_process_start(&process, NULL, NULL), -EINVAL);
    refuse(-EINVAL, none, (bine_process_options){0});
    refuse(-EINVAL, BINE_ARGV("true"), (bine_process_options){.input = BINE_MERGE});
    refuse(-EINVAL, BINE_ARGV("true"), (bine_process_options){.output = BINE_MERGE});
    refuse(-EINVAL, BINE_ARGV("true"), (bine_process_options){.error = -4});
    CHECK_EQ(bine_process_wait(NULL, NULL), -EINVAL);
    CHECK_EQ(bine_process_kill(NULL, SIGTERM), -EINVAL);
    bine_process_drop(NULL);
}

/* With every number of descriptors left, it starts or says why not. */
static void check_few_descriptors(void)
{
    struct rlimit before, few;
    bool started = false;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    for (int left = 0; !started; left++) {
        bine_process process;
        int status;
        few.rlim_cur = (rlim_t)(count_descriptors() - 3 + left);
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
        int error = bine_process_start(
            &process, BINE_ARGV("true"),
            BINE_PROCESS_OPTIONS(.input = BINE_PIPE, .output = BINE_PIPE, .error = BINE_PIPE));
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
        started = error == 0;
        CHECK(started || error == -EMFILE);
        if (!started)
            continue;
        CHECK_EQ(bine_process_wait(&process, &status), 0);
        CHECK_EQ(status, 0);
        close(process.input);
        close(process.output);
        close(process.error);
    }
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

static void check_all(void)
{
    check_programs();
    check_arguments();
}

int main(void)
{
    check_all();
    bine_await(bine_async(check_all));
    check_few_descriptors();
    return 0;
}
