/*
 * Sends back what it gets, over TCP, a task for each connection, until SIGTERM or SIGINT.
 *
 * The tasks are in one scope. Leaving it cancels them: their reads return -ECANCELED, each closes
 * its connection, and the scope waits for the last of them.
 */
#include <bine.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKLOG = 1024, BUFFER_SIZE = 4096, MOST_WORKERS = 1024, USAGE_ERROR = 2 };
#define ACCEPT_AGAIN BINE_MS(20) /* after there was no descriptor, or no memory */

static void echo(int fd)
{
    char buffer[BUFFER_SIZE];
    ssize_t size;
    while ((size = bine_read(fd, buffer, sizeof buffer)) > 0)
        if (bine_write_full(fd, buffer, (size_t)size) != 0)
            break;
    bine_close(fd);
}

static void accept_all(bine_scope *connections, int listener)
{
    while (bine_check() == 0) {
        int fd = bine_accept(listener);
        if (fd < 0)
            bine_sleep(ACCEPT_AGAIN);
        else if (bine_scope_go(connections, echo, fd) != 0)
            bine_close(fd);
    }
}

static int complain(const char *what, int error)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(error));
    return EXIT_FAILURE;
}

static int run(unsigned port)
{
    char address[64];
    int number, error = 0;
    snprintf(address, sizeof address, ":%u", port);
    bine_chan(int) stop = bine_signals((const int[]){SIGTERM, SIGINT}, 2);
    if (!stop)
        return complain("cannot catch signals", errno);
    int listener = bine_listen(address, BACKLOG);
    if (listener < 0)
        return complain("cannot listen", -listener);
    if (bine_local_address(listener, address, sizeof address) == 0)
        fprintf(stderr, "echo: listens at %s\n", address);
    BINE_SCOPE (connections, BINE_NEVER, NULL) {
        error = bine_scope_go(&connections, accept_all, &connections, listener);
        if (!error)
            error = bine_recv(stop, &number);
        bine_scope_cancel(&connections, 0);
    }
    bine_close(listener);
    bine_chan_unref(stop);
    return error ? complain("cannot start", -error) : EXIT_SUCCESS;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: echo [--port N] [--workers N]\n"
    "Sends back what it gets on TCP port N, 7007 if not said (0: any free one), until\n"
    "SIGTERM or SIGINT.\n";

static unsigned parse_number(const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most) {
        fprintf(stderr, "echo: a number from %ld to %ld, not '%s' (try --help)\n", least, most,
                text);
        exit(USAGE_ERROR);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"workers", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bine_pool_options pool = {.name = "echo"};
    unsigned port = 7007;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'p')
            port = parse_number(optarg, 0, 65535);
        else if (option == 'w')
            pool.workers = parse_number(optarg, 1, MOST_WORKERS);
        else if (option == 'h')
            return fputs(usage, stdout) < 0;
        else
            return USAGE_ERROR; /* getopt_long has said what is wrong */
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return USAGE_ERROR;
    }
    int error = bine_configure(&pool);
    return error ? complain("cannot start", -error) : bine_run(run, port);
}
