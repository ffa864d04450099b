/* Runs this test's own program again with a mode as its argument, and looks at how it ended and
 * what it said on stderr: for what must stop a program, or needs a process of its own. */
#ifndef BINE_TEST_CHILD_H
#define BINE_TEST_CHILD_H

#include "../test.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct child {
    int status;           /* as waitpid() gives it */
    char said[64 * 1024]; /* stderr, cut where it is longer */
};

/* Child side. */
__attribute__((noreturn)) static inline void child_exec(const char *mode, const char *variable,
                                                        int stderr_pipe)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(stderr_pipe, 2);
    if (variable)
        putenv((char *)variable);
    execl("/proc/self/exe", program_invocation_name, mode, (char *)NULL);
    _exit(127);
}

/* Runs main() with `mode` as argv[1] and, unless NULL, `variable` ("NAME=value") in the
 * environment. Call it from a plain thread. */
static inline struct child *child_run_with(const char *mode, const char *variable)
{
    static struct child child;
    int ends[2];
    size_t length = 0;
    ssize_t got;
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        child_exec(mode, variable, ends[1]);
    close(ends[1]);
    while ((got = read(ends[0], child.said + length, sizeof(child.said) - 1 - length)) > 0)
        length += (size_t)got;
    child.said[length] = '\0';
    close(ends[0]);
    CHECK_EQ(waitpid(pid, &child.status, 0), pid);
    return &child;
}

static inline struct child *child_run(const char *mode)
{
    return child_run_with(mode, NULL);
}

static inline void child_show(const struct child *child)
{
    dprintf(2, "the child ended with status 0x%x and said:\n%s\n", child->status, child->said);
}

static inline bool child_passed(const struct child *child)
{
    return WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0;
}

#define CHECK_PASSED(child)        child_check_passed(__FILE__, __LINE__, (child))
#define CHECK_STOPPED(child, word) child_check_stopped(__FILE__, __LINE__, (child), (word))

static inline void child_check_passed(const char *file, int line, const struct child *child)
{
    if (child_passed(child))
        return;
    child_show(child);
    test_fail(file, line, "the child failed");
}

/* The child was stopped: it did not end, hang or fail a check, and it named `word` on stderr. */
static inline void child_check_stopped(const char *file, int line, const struct child *child,
                                       const char *word)
{
    bool stopped = !child_passed(child) && !strstr(child->said, "check failed") &&
                   !strstr(child->said, "not done in time");
    if (stopped && strstr(child->said, word))
        return;
    child_show(child);
    dprintf(2, "it was to be stopped with a message that has: %s\n", word);
    test_fail(file, line, "the child was not stopped as it should");
}

/* Waits for a child made by fork() and checks that it ended well. */
static inline void child_join(pid_t pid)
{
    int status;
    CHECK(pid > 0);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
}

#endif
