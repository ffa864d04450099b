/*
 * Starting a program.
 *
 * The child runs in the parent's memory (vfork) until it has become the program: no page table is
 * copied, however large the parent is. So
 * 1. between the two it calls nothing but system calls that are safe after a fork, and writes to
 *    nothing but its own frames and errno;
 * 2. all signals are masked meanwhile, in both, and unmasked in the child only once no handler is
 *    left: none runs there;
 * 3. what goes wrong it writes to a pipe that closes itself when the program starts, and the
 *    parent reads that to its end. Where vfork is only another fork (under the thread sanitizer,
 *    in emulators) that works just as well.
 */
#define _GNU_SOURCE
#include "io/launch.h"
#include "io/signals.h"
#include "sched/origin.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STANDARD = 3, EXIT_NOT_STARTED = 127, MOST_TO_CLOSE = 65536 };

/* What the child must know beside the launch. */
struct child {
    const struct launch *launch;
    sigset_t mask;
    long timer_slack;
    uint64_t ignored; /* signals that channels keep from being ignored */
    int report_fd;    /* where to tell what went wrong */
};

/* --- in the child --- */

static void fail_if(const struct child *child, int failed)
{
    int error = errno;
    if (!failed)
        return;
    while (write(child->report_fd, &error, sizeof error) < 0 && errno == EINTR)
        ;
    _exit(EXIT_NOT_STARTED);
}

/* No handler of the program's may run here, and what it ignored is still ignored. */
static void reset_signals(const struct child *child)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        bool ignored = child->ignored >> (number - 1) & 1;
        if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_DFL ||
            action.sa_handler == SIG_IGN)
            continue; /* as it was set it stays across exec */
        action = (struct sigaction){.sa_handler = ignored ? SIG_IGN : SIG_DFL};
        sigaction(number, &action, NULL);
    }
}

/* Above the standard ones, so that putting one in its place never overwrites another. */
static int out_of_the_way(const struct child *child, int fd)
{
    if (fd < 0 || fd >= STANDARD)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STANDARD);
    fail_if(child, moved < 0);
    return moved;
}

static void put_in_place(const struct child *child, int fd, int number)
{
    if (fd == LAUNCH_INHERIT)
        fcntl(number, F_SETFD, 0); /* where there is none, there will be none */
    else
        fail_if(child, dup2(fd == LAUNCH_MERGE ? STDOUT_FILENO : fd, number) < 0);
}

static void set_standard_descriptors(const struct child *child)
{
    int fd[STANDARD];
    for (int i = 0; i < STANDARD; i++) {
        fd[i] = child->launch->fd[i];
        if (fd[i] == LAUNCH_NULL) {
            fd[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
            fail_if(child, fd[i] < 0);
        }
        fd[i] = out_of_the_way(child, fd[i]);
    }
    for (int i = 0; i < STANDARD; i++)
        put_in_place(child, fd[i], i);
}

/* They are closed when the program starts: until then the report is needed. */
static void mark_all_others(void)
{
    struct rlimit limit;
    if (syscall(SYS_close_range, STANDARD, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = STANDARD; fd < MOST_TO_CLOSE && (rlim_t)fd < limit.rlim_cur; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static _Noreturn void become_program(const struct child *parents)
{
    struct child own = *parents, *child = &own;
    const bine_process_options *options = child->launch->options;
    char *const *argv = child->launch->argv;
    reset_signals(child);
    fail_if(child, options->own_group && setpgid(0, 0) != 0);
    child->report_fd = out_of_the_way(child, child->report_fd);
    set_standard_descriptors(child);
    fail_if(child, options->directory && chdir(options->directory) != 0);
    if (!options->keep_descriptors)
        mark_all_others();
    prctl(PR_SET_TIMERSLACK, child->timer_slack, 0, 0, 0);
    sigprocmask(SIG_SETMASK, &child->mask, NULL);
    execvpe(argv[0], argv, options->environment ? options->environment : environ);
    fail_if(child, true);
    _exit(EXIT_NOT_STARTED);
}

/* --- in the parent --- */

/* A frame of its own, which the child leaves as it finds it. */
static __attribute__((noinline)) pid_t split(const struct child *child)
{
    pid_t pid = vfork();
    if (pid == 0)
        become_program(child);
    return pid < 0 ? -errno : pid;
}

static pid_t split_with_signals_masked(const struct child *child)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = split(child);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* What the child has reported, as -errno; 0: nothing, it has become the program. */
static int read_report(int fd)
{
    int error;
    ssize_t size;
    do
        size = read(fd, &error, sizeof error);
    while (size < 0 && errno == EINTR);
    return size == sizeof error ? -error : 0;
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

pid_t launch(const struct launch *launch)
{
    struct child child = {.launch = launch, .ignored = signals_ignored_before()};
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return -errno;
    origin_of_caller(&child.mask, &child.timer_slack);
    child.report_fd = report[1];
    pid_t pid = split_with_signals_masked(&child);
    close(report[1]);
    int error = pid < 0 ? 0 : read_report(report[0]);
    close(report[0]);
    if (error)
        reap(pid);
    return error ? error : pid;
}
