/*
 * Processes.
 *
 * A child stays a zombie until it is waited for, and its number stays its own as long. So
 * 1. its number is used for a signal or a wait only with the lock held and `ended` false, and
 *    `ended` becomes true with the lock held, in the call that takes its status.
 * 2. Its end is seen without taking it: by a descriptor for the process that becomes readable, or,
 *    where the kernel has none, by a thread that waits beside it and sets an event.
 * 3. The descriptor is closed once the status is taken and nobody waits for it any more, so that
 *    none waits for whatever has its number next.
 */
#define _GNU_SOURCE
#include "base/os.h"
#include "io/launch.h"
#include "sched/park.h"
#include "sched/worker.h"
#include <assert.h>
#include <bine/io.h>
#include <bine/pool.h>
#include <bine/scope.h>
#include <bine/sync.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* For kernels without descriptors for processes. */
struct watch {
    bine_event ended;
    pid_t pid;
    _Atomic int owners; /* the thread, and the process */
};

/* What lies in a bine_process. */
struct process {
    bine_mutex lock; /* protects all below */
    int pidfd;       /* -1: none, or closed */
    int status;      /* once ended, and not lost */
    unsigned waiters; /* that look at pidfd */
    bool ended;
    bool lost;       /* somebody else has taken the status */
    bool own_group;
    bool kill_on_cancel;
    struct watch *watch; /* NULL: none */
};
static_assert(sizeof(struct process) <= sizeof((bine_process *)0)->private_,
              "a process fits its public type");

static struct process *process_of(bine_process *public)
{
    return (struct process *)public->private_;
}

/* --- seeing its end without a descriptor --- */

static void watch_let_go(struct watch *watch)
{
    if (atomic_fetch_sub_explicit(&watch->owners, 1, memory_order_acq_rel) == 1)
        free(watch);
}

static void wait_for_end(pid_t pid, int flags)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | flags) != 0 && errno == EINTR)
        ;
}

static void *watch_child(void *argument)
{
    struct watch *watch = argument;
    wait_for_end(watch->pid, WNOWAIT);
    bine_event_set(&watch->ended);
    watch_let_go(watch);
    return NULL;
}

static void *reap_child(void *pid)
{
    wait_for_end((pid_t)(intptr_t)pid, 0);
    return NULL;
}

static int start_watch(struct process *process, pid_t pid)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return -ENOMEM;
    watch->pid = pid;
    atomic_init(&watch->owners, 2);
    int error = os_start_detached(watch_child, watch, 0);
    if (error)
        free(watch);
    else
        process->watch = watch;
    return error;
}

static int open_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int (*process_open_pidfd)(pid_t pid) = open_pidfd;

static int start_seeing(struct process *process, pid_t pid)
{
    int fd = process_open_pidfd(pid);
    if (fd == -ENOSYS || fd == -EPERM)
        return start_watch(process, pid);
    if (fd >= 0)
        process->pidfd = fd;
    return fd < 0 ? fd : 0;
}

/* --- starting --- */

struct pipes {
    int ours[3];  /* -1: none */
    int theirs[3];
};

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void close_all(const int fd[3])
{
    for (int i = 0; i < 3; i++)
        close_if_open(fd[i]);
}

static int open_pipe(struct pipes *pipes, int number)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0)
        return -errno;
    bool input = number == STDIN_FILENO;
    pipes->ours[number] = fd[input];
    pipes->theirs[number] = fd[!input];
    return fcntl(pipes->ours[number], F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
}

static int open_pipes(struct pipes *pipes, const int wanted[3])
{
    int error = 0;
    *pipes = (struct pipes){{-1, -1, -1}, {-1, -1, -1}};
    for (int i = 0; i < 3 && !error; i++)
        if (wanted[i] == BINE_PIPE)
            error = open_pipe(pipes, i);
    if (error) {
        close_all(pipes->ours);
        close_all(pipes->theirs);
    }
    return error;
}

static bool wish_is_valid(int number, int wish)
{
    return wish >= BINE_NULL || (wish == BINE_MERGE && number == STDERR_FILENO);
}

static int fd_for_launch(int wish, int pipe_end)
{
    switch (wish) {
    case BINE_INHERIT:
        return LAUNCH_INHERIT;
    case BINE_PIPE:
        return pipe_end;
    case BINE_NULL:
        return LAUNCH_NULL;
    case BINE_MERGE:
        return LAUNCH_MERGE;
    default:
        return wish;
    }
}

static pid_t launch_beside(const struct launch *what)
{
    bine_block_begin();
    pid_t pid = launch(what);
    bine_block_end();
    return pid;
}

static int start(bine_process *public, char *const *argv, const bine_process_options *options)
{
    struct process *process = process_of(public);
    const int wanted[3] = {options->input, options->output, options->error};
    struct pipes pipes;
    int error = open_pipes(&pipes, wanted);
    if (error)
        return error;
    struct launch what = {.argv = argv, .options = options};
    for (int i = 0; i < 3; i++)
        what.fd[i] = fd_for_launch(wanted[i], pipes.theirs[i]);
    pid_t pid = launch_beside(&what);
    close_all(pipes.theirs);
    error = pid < 0 ? pid : start_seeing(process, pid);
    if (error && pid > 0) {
        kill(pid, SIGKILL);
        wait_for_end(pid, 0);
    }
    if (error) {
        close_all(pipes.ours);
        return error;
    }
    public->pid = pid;
    public->input = pipes.ours[STDIN_FILENO];
    public->output = pipes.ours[STDOUT_FILENO];
    public->error = pipes.ours[STDERR_FILENO];
    return 0;
}

int bine_process_start(bine_process *public, char *const *argv, const bine_process_options *options)
{
    static const bine_process_options defaults;
    bine_process started = {.pid = 0};
    if (!options)
        options = &defaults;
    if (!public || !argv || !argv[0] || !wish_is_valid(STDIN_FILENO, options->input) ||
        !wish_is_valid(STDOUT_FILENO, options->output) ||
        !wish_is_valid(STDERR_FILENO, options->error))
        return -EINVAL;
    struct process *process = process_of(&started);
    process->pidfd = -1;
    process->own_group = options->own_group;
    process->kill_on_cancel = options->kill_on_cancel;
    int error = start(&started, argv, options);
    if (!error)
        *public = started;
    return error;
}

/* --- its end --- */

static int decode(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : -info->si_status;
}

/* The status if it is there (si_pid is not 0 then): 0 or -ECHILD. noinline, as the next one is: their
 * callers may have moved to another thread, and a compiler takes the address of errno to be the same
 * throughout a function. */
static __attribute__((noinline)) int try_to_reap(pid_t pid, siginfo_t *info)
{
    int failed;
    info->si_pid = 0;
    do
        failed = waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG);
    while (failed && errno == EINTR);
    return failed ? -errno : 0;
}

static __attribute__((noinline)) int send_signal(pid_t pid, int number)
{
    return kill(pid, number) == 0 ? 0 : -errno;
}

/* Lock held. */
static void close_unless_waited_for(struct process *process)
{
    if (!process->ended || process->waiters > 0 || process->pidfd < 0)
        return;
    bine_close(process->pidfd);
    process->pidfd = -1;
}

/* Lock held. */
static void end(struct process *process)
{
    process->ended = true;
    close_unless_waited_for(process);
    if (process->watch)
        watch_let_go(process->watch);
    process->watch = NULL;
}

/* Lock held. Takes the status if it is there. */
static void look(struct process *process, pid_t pid)
{
    siginfo_t info;
    if (process->ended)
        return;
    int error = try_to_reap(pid, &info);
    if (!error && info.si_pid == 0)
        return;
    process->lost = error != 0;
    process->status = error ? 0 : decode(&info);
    end(process);
}

/* 0 or -ECHILD, with the status, where it has ended; else -EAGAIN. */
static int take_status(bine_process *public, int *status)
{
    struct process *process = process_of(public);
    int result = -EAGAIN;
    bine_lock(&process->lock);
    look(process, public->pid);
    if (process->ended) {
        result = process->lost ? -ECHILD : 0;
        if (status && !result)
            *status = process->status;
    }
    bine_unlock(&process->lock);
    return result;
}

/* Waits until it is worth to look again: 0, -ECANCELED or -ETIMEDOUT. */
static int await_end(struct process *process, bine_time deadline)
{
    int result = 0;
    bine_lock(&process->lock);
    int fd = process->pidfd;
    struct watch *watch = process->watch;
    process->waiters++;
    if (watch)
        atomic_fetch_add_explicit(&watch->owners, 1, memory_order_relaxed);
    bine_unlock(&process->lock);
    if (fd >= 0) {
        BINE_UNTIL (deadline)
            result = bine_poll(fd, POLLIN);
    } else if (watch) {
        result = bine_event_wait_until(&watch->ended, deadline);
        watch_let_go(watch);
    }
    bine_lock(&process->lock);
    process->waiters--;
    close_unless_waited_for(process);
    bine_unlock(&process->lock);
    return result < 0 ? result : 0;
}

static int wait_for(bine_process *public, int *status, bine_time deadline)
{
    for (;;) {
        int result = take_status(public, status);
        if (result != -EAGAIN)
            return result;
        int error = await_end(process_of(public), deadline);
        if (error)
            return error;
    }
}

/* The caller's time is over, and with it the process's. */
static void kill_and_wait(bine_process *public, int *status)
{
    BINE_SHIELDED {
        bine_process_kill(public, SIGKILL);
        wait_for(public, status, BINE_NEVER);
    }
}

int bine_process_wait_until(bine_process *public, int *status, bine_time deadline)
{
    int error;
    if (!public)
        return -EINVAL;
    if (deadline == BINE_NOW)
        return take_status(public, status);
    worker_heed_budget_here();
    deadline_check("bine_process_wait_until", deadline);
    error = run_check(run_self());
    if (!error)
        error = wait_for(public, status, deadline);
    if ((error == -ECANCELED || error == -ETIMEDOUT) && process_of(public)->kill_on_cancel &&
        run_check(run_self()) != 0)
        kill_and_wait(public, status);
    return error;
}

int bine_process_wait(bine_process *public, int *status)
{
    return bine_process_wait_until(public, status, BINE_NEVER);
}

int bine_process_kill(bine_process *public, int number)
{
    int result = -ESRCH;
    if (!public || number < 0)
        return -EINVAL;
    struct process *process = process_of(public);
    bine_lock(&process->lock);
    if (!process->ended)
        result = send_signal(process->own_group ? -public->pid : public->pid, number);
    bine_unlock(&process->lock);
    return result;
}

void bine_process_drop(bine_process *public)
{
    if (!public || take_status(public, NULL) != -EAGAIN)
        return;
    struct process *process = process_of(public);
    bine_lock(&process->lock);
    /* Where no thread can be had it is left to the end of this process. */
    os_start_detached(reap_child, (void *)(intptr_t)public->pid, 0);
    process->lost = true;
    end(process);
    bine_unlock(&process->lock);
}
