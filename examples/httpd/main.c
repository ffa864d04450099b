/*
 * A small HTTP/1.1 server for the files of a directory.
 *
 *    main.c        the command line; accepting and stopping
 *    connection.c  a task per connection: its requests, its time limits
 *    request.c     reading a request
 *    files.c       the file it means, which lies in the directory
 *    range.c       the part of it that is wanted
 *    answer.c      the answer
 *    log.c         a line for each
 *
 * Every connection is a task in one scope. SIGTERM or SIGINT stop the server: it accepts no more,
 * finishes the requests that it has begun, and ends. When that takes too long, or a second signal
 * comes, the scope is cancelled, which ends every wait in it.
 */
#define _GNU_SOURCE
#include "httpd.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    OTHER_DESCRIPTORS = 64, /* than those of connections */
    EACH_DESCRIPTORS = 2,   /* a socket and a file */
    MOST_WORKERS = 1024,
    USAGE_ERROR = 2,
};
#define ACCEPT_AGAIN BINE_MS(20) /* after there was no descriptor, or no memory */

static int complain(const char *what, int error)
{
    fprintf(stderr, "httpd: %s: %s\n", what, strerror(error));
    return EXIT_FAILURE;
}

/* --- accepting --- */

struct listening {
    struct server *server;
    bine_scope *scope;
    int fd;
};

static void accept_one(struct listening *listening)
{
    int fd = bine_accept(listening->fd);
    if (fd < 0) {
        if (fd != -EBADF && fd != -ECANCELED)
            bine_sleep(ACCEPT_AGAIN);
        return;
    }
    connections_count(listening->server, 1);
    /* At the limit this waits, and so do clients, in the backlog. */
    if (bine_scope_go(listening->scope, connection_serve, listening->server, fd) != 0) {
        bine_close(fd);
        connections_count(listening->server, -1);
    }
}

static void accept_all(struct listening *listening)
{
    while (!atomic_load(&listening->server->stopping) && bine_check() == 0)
        accept_one(listening);
}

/* --- stopping --- */

static void stop_in_order(struct server *server, bine_chan(int) stop, int fd)
{
    bine_time deadline = bine_after(server->options->grace);
    atomic_store(&server->stopping, true); /* first: the end of accepting is no error */
    bine_close(fd);
    connections_stop(server);
    bine_case cases[] = {BINE_SET(&server->all_gone), BINE_RECV(stop, NULL)};
    (void)bine_select_until(cases, 2, deadline);
}

static unsigned most_connections(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_cur < 1000000 ? limit.rlim_cur : 1000000;
    return most > OTHER_DESCRIPTORS + EACH_DESCRIPTORS
               ? (unsigned)(most - OTHER_DESCRIPTORS) / EACH_DESCRIPTORS
               : 1;
}

static int serve(struct server *server, bine_chan(int) stop, int fd)
{
    int number;
    struct listening listening = {.server = server, .fd = fd};
    BINE_SCOPE (connections, BINE_NEVER, NULL) {
        listening.scope = &connections;
        bine_scope_limit(&connections, most_connections());
        if (bine_scope_go(&connections, accept_all, &listening) != 0)
            return complain("cannot start a task", ENOMEM);
        if (bine_recv(stop, &number) == 0)
            stop_in_order(server, stop, fd);
        bine_scope_cancel(&connections, 0);
    }
    return EXIT_SUCCESS;
}

/* --- starting --- */

static int listen_on(unsigned port, char *address, size_t size)
{
    char wanted[16];
    snprintf(wanted, sizeof wanted, ":%u", port);
    int fd = bine_listen(wanted, BACKLOG);
    if (fd >= 0 && bine_local_address(fd, address, size) != 0)
        strcpy(address, wanted);
    return fd;
}

static int run_logged(struct server *server, bine_chan(int) stop, int fd)
{
    if (!server->options->quiet && !(server->log = log_open()))
        return complain("cannot start the log", ENOMEM);
    if (server->log && bine_go(log_write, server->log) != 0)
        return complain("cannot start the log", ENOMEM);
    int result = serve(server, stop, fd);
    if (server->log)
        log_close(server->log);
    return result;
}

static int run(const struct options *options)
{
    struct server server = {.options = options};
    char address[64];
    server.root = open(options->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (server.root < 0)
        return complain(options->directory, errno);
    bine_chan(int) stop = bine_signals((const int[]){SIGTERM, SIGINT}, 2);
    if (!stop)
        return complain("cannot catch signals", errno);
    int fd = listen_on(options->port, address, sizeof address);
    if (fd < 0)
        return complain("cannot listen", -fd);
    fprintf(stderr, "httpd: %s is served at %s\n", options->directory, address);
    int result = run_logged(&server, stop, fd);
    bine_chan_unref(stop);
    close(server.root);
    return result;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: httpd [OPTION]... DIRECTORY\n"
    "Serves the files of a directory by HTTP/1.1.\n"
    "\n"
    "  --port N         listens on this port, 8080 if not said; 0: any free one\n"
    "  --workers N      runs on N workers, 1 to 1024, not on one per processor\n"
    "  --no-links       follows no symbolic links; if not said, those that stay inside\n"
    "  --quiet          writes no line per request to standard output\n"
    "  --head-time S    seconds for the head of a request, 10 if not said\n"
    "  --idle-time S    seconds between two requests of a connection, 60\n"
    "  --send-time S    seconds for a client to take a piece of an answer, 30\n"
    "  --grace S        seconds to finish requests after SIGTERM or SIGINT, 10\n"
    "  --help           prints this\n"
    "\n"
    "Exit status: 0 after SIGTERM or SIGINT; 1 if it cannot serve; 2 for a wrong command line.\n";

static _Noreturn void refuse(const char *option, const char *text)
{
    fprintf(stderr, "httpd: --%s does not take '%s' (try --help)\n", option, text);
    exit(USAGE_ERROR);
}

static unsigned parse_number(const char *option, const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most)
        refuse(option, text);
    return (unsigned)value;
}

static bine_time parse_seconds(const char *option, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value > 0 && value <= 1e6))
        refuse(option, text);
    return BINE_S(value);
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"workers", required_argument, NULL, 'w'},
        {"no-links", no_argument, NULL, 'n'},
        {"quiet", no_argument, NULL, 'q'},
        {"head-time", required_argument, NULL, 'H'},
        {"idle-time", required_argument, NULL, 'I'},
        {"send-time", required_argument, NULL, 'S'},
        {"grace", required_argument, NULL, 'G'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.port = 8080,
                              .head_time = BINE_S(10),
                              .idle_time = BINE_S(60),
                              .send_time = BINE_S(30),
                              .grace = BINE_S(10)};
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;) {
        const char *name = known[index].name;
        switch (option) {
        case 'p':
            options.port = parse_number(name, optarg, 0, 65535);
            break;
        case 'w':
            options.workers = parse_number(name, optarg, 1, MOST_WORKERS);
            break;
        case 'n':
            options.no_links = true;
            break;
        case 'q':
            options.quiet = true;
            break;
        case 'H':
            options.head_time = parse_seconds(name, optarg);
            break;
        case 'I':
            options.idle_time = parse_seconds(name, optarg);
            break;
        case 'S':
            options.send_time = parse_seconds(name, optarg);
            break;
        case 'G':
            options.grace = parse_seconds(name, optarg);
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long has said what is wrong */
            exit(USAGE_ERROR);
        }
    }
    if (optind != argc - 1) {
        fputs("httpd: one directory is needed (try --help)\n", stderr);
        exit(USAGE_ERROR);
    }
    options.directory = argv[optind];
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    bine_pool_options pool = {.name = "httpd", .workers = options.workers};
    int error = bine_configure(&pool);
    if (error)
        return complain("cannot start", -error);
    return bine_run(run, &options);
}
