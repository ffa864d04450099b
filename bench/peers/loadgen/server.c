/* The server as a process of its own: where it runs, and what it uses. */
#define _GNU_SOURCE
#include "loadgen.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

enum {
    LISTENS_AFTER_MS = 10000,
    SETTLED_MS = 300, /* without processor time */
    SETTLES_AFTER_MS = 20000,
    LOOK_MS = 10,
};

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int pick_processor(int last)
{
    cpu_set_t allowed;
    int picked = -1;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        die("sched_getaffinity");
    for (int i = 0; i < CPU_SETSIZE && (last || picked < 0); i++)
        if (CPU_ISSET(i, &allowed))
            picked = i;
    return picked;
}

static void use_processor(int number)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(number, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        die("sched_setaffinity");
}

void use_last_processor(void)
{
    use_processor(pick_processor(1));
}

/* A port that nobody listens on now. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static int listens(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connected = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static _Noreturn void become_server(const char *program, const char *mode, unsigned workers,
                                    int port)
{
    char workers_text[12], port_text[12];
    snprintf(workers_text, sizeof workers_text, "%u", workers);
    snprintf(port_text, sizeof port_text, "%d", port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (workers == 1)
        use_processor(pick_processor(0));
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execl(program, program, mode, workers_text, port_text, (char *)NULL);
    die(program);
}

void server_start(struct server *server, const char *program, const char *mode, unsigned workers)
{
    server->port = free_port();
    server->pid = fork();
    if (server->pid < 0)
        die("fork");
    if (server->pid == 0)
        become_server(program, mode, workers, server->port);
    for (int waited = 0; !listens(server->port); waited += LOOK_MS) {
        if (waited >= LISTENS_AFTER_MS)
            die_because("the server does not listen");
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            die_because("the server has ended");
        sleep_ms(LOOK_MS);
    }
}

void server_stop(struct server *server)
{
    int status;
    kill(server->pid, SIGKILL);
    if (waitpid(server->pid, &status, 0) != server->pid || WTERMSIG(status) != SIGKILL)
        die_because("the server ended before its time");
}

int64_t server_cpu_ns(const struct server *server)
{
    clockid_t clock;
    struct timespec used;
    if ((errno = clock_getcpuclockid(server->pid, &clock)) != 0 || clock_gettime(clock, &used) != 0)
        die("the server's processor clock");
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

static long resident_bytes(const struct server *server)
{
    char path[32];
    long pages;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)server->pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        die(path);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

long server_settled_bytes(const struct server *server)
{
    int64_t used = server_cpu_ns(server);
    for (int waited = 0, quiet = 0; quiet < SETTLED_MS && waited < SETTLES_AFTER_MS;
         waited += LOOK_MS) {
        sleep_ms(LOOK_MS);
        int64_t now = server_cpu_ns(server);
        quiet = now - used < 200000 ? quiet + LOOK_MS : 0; /* a runtime's own watch may tick */
        used = now;
    }
    return resident_bytes(server);
}
