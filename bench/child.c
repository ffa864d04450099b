/* This program, run again: for rows that need a fresh process or another number of workers. */
#include "bench.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ARGS = 4, OUTPUT_SIZE = 64 };

extern char **environ;

/* out: what the child gets as its standard output. */
static pid_t start(const char *mode, unsigned workers, const char *const *args, int out)
{
    char count[16];
    const char *argv[3 + MOST_ARGS + 1] = {"bine-bench", mode, count};
    snprintf(count, sizeof count, "%u", workers);
    for (int i = 0; args[i]; i++)
        argv[3 + i] = args[i];

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    pid_t pid;
    int error = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, (char *const *)argv, environ);
    check(error == 0, "cannot start a process");
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void wait_for(pid_t pid)
{
    int status;
    check(waitpid(pid, &status, 0) == pid && status == 0, "a process of its own failed");
}

void child_run(const char *mode, unsigned workers, const char *const *args)
{
    wait_for(start(mode, workers, args, STDOUT_FILENO));
}

double child_number(const char *mode, unsigned workers, const char *const *args)
{
    int fd[2];
    check(pipe(fd) == 0, "pipe");
    pid_t pid = start(mode, workers, args, fd[1]);
    close(fd[1]);
    FILE *output = fdopen(fd[0], "r");
    double number;
    check(output != NULL, "fdopen");
    check(fscanf(output, "%lf", &number) == 1, "a process of its own printed no number");
    fclose(output);
    wait_for(pid);
    return number;
}
