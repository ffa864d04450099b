/* The net rows: echo, echo_4, http, idle_conns and what is measured beside them. */
#include "bench.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    BUFFER_SIZE = 1024, /* more than a message: a read that brings less says that no more is there */
};

static const char *const rows[] = {
    "echo",
    "echo_4",
#ifdef BENCH_WITH_HTTP
    "http",
#endif
    "idle_conns",
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* --- servers --- */

static int accept_all(const char *port, void (*serve)(int fd))
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%s", port);
    int listener = bine_listen(address, BACKLOG);
    check(listener >= 0, "cannot listen");
    for (;;) {
        int fd = bine_accept(listener);
        if (fd >= 0 && bine_go(serve, fd) == 0)
            continue;
        fprintf(stderr, "bine-bench: a connection is lost: %s\n", strerror(fd < 0 ? -fd : ENOMEM));
        if (fd >= 0)
            bine_close(fd);
    }
    return 0;
}

void net_serve(const char *port, void (*serve)(int fd))
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    exit(bine_run(accept_all, port, serve));
}

static void echo(int fd)
{
    char buffer[BUFFER_SIZE];
    ssize_t size;
    while ((size = bine_read(fd, buffer, sizeof buffer)) > 0)
        if (bine_write_full(fd, buffer, (size_t)size) != 0)
            break;
    bine_close(fd);
}

void serve_echo(char **args)
{
    net_serve(args[0], echo);
}

/* --- rows --- */

void net_list_rows(void)
{
    for (int i = 0; i < ROW_COUNT; i++)
        puts(rows[i]);
}

bool net_has_row(const char *name)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        size_t length = strlen(rows[i]);
        if (strncmp(name, rows[i], length) == 0 && (name[length] == '\0' || name[length] == '_'))
            return true;
    }
    return false;
}

void net_run_row(const char *name, const char *workers)
{
    static char self[PATH_MAX], folder[PATH_MAX], loadgen[PATH_MAX + 16];
    check(readlink("/proc/self/exe", self, sizeof self - 1) > 0, "cannot find this program");
    memcpy(folder, self, sizeof self);
    snprintf(loadgen, sizeof loadgen, "%s/loadgen", dirname(folder));
    execl(loadgen, loadgen, name, workers, self, (char *)NULL);
    perror(loadgen);
    fail("there is no load generator beside this program");
}
