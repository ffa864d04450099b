/*
 * Downloads many files at once.
 *
 *    main.c      the command line, the list, the scope of all downloads
 *    download.c  one download: tries, and pauses between them
 *    response.c  reading an answer
 *    url.c       where it comes from
 *    progress.c  how far it is
 *
 * Each download is a task in one scope. The scope's limit says how many run at once: starting one
 * more waits for room. Its deadline ends them all, as does SIGINT, by a cancellation from outside.
 */
#include "fetch.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { USAGE_ERROR = 2, MOST_CONNECTIONS = 10000, MOST_RETRIES = 100, NAME_SIZE = 256 };
#define DRAW_PERIOD BINE_MS(100)

struct list {
    struct job *jobs;
    size_t count, capacity;
};

struct run {
    const struct options *options;
    struct list list;
    struct counts counts;
};

static _Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "fetch: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

/* --- the list --- */

static bool name_is_taken(const struct list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->jobs[i].path, path) == 0)
            return true;
    return false;
}

/* A path that no other of the files has. */
static char *choose_path(const struct list *list, const struct url *url, const char *directory)
{
    char name[NAME_SIZE];
    size_t size = strlen(directory) + sizeof name + 16;
    char *path = malloc(size);
    if (!path)
        die("the list", ENOMEM);
    url_file_name(url, name, sizeof name);
    snprintf(path, size, "%s/%s", directory, name);
    for (unsigned i = 1; name_is_taken(list, path); i++)
        snprintf(path, size, "%s/%s.%u", directory, name, i);
    return path;
}

static void add_job(struct list *list, const char *text, const char *directory)
{
    struct job job = {.text = strdup(text)};
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->jobs = realloc(list->jobs, list->capacity * sizeof *list->jobs);
    }
    if (!list->jobs || !job.text)
        die("the list", ENOMEM);
    if (!url_parse(text, &job.url)) {
        fprintf(stderr, "fetch: no http URL: '%s'\n", text);
        exit(USAGE_ERROR);
    }
    job.path = choose_path(list, &job.url, directory);
    list->jobs[list->count++] = job;
}

/* A URL per line; empty lines and those that begin with # do not count. */
static void add_jobs_of(struct list *list, const char *name, const char *directory)
{
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    char *line = NULL;
    size_t capacity = 0;
    if (!file)
        die(name, errno);
    while (getline(&line, &capacity, file) >= 0) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (line[0] && line[0] != '#')
            add_job(list, line, directory);
    }
    free(line);
    if (file != stdin)
        fclose(file);
}

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((char *)list->jobs[i].text);
        free(list->jobs[i].path);
    }
    free(list->jobs);
}

/* --- running --- */

static int download_all(struct run *run)
{
    int error = 0;
    BINE_SCOPE (downloads, run->options->deadline, &error) {
        bine_scope_limit(&downloads, run->options->connections);
        for (size_t i = 0; i < run->list.count; i++)
            if (bine_scope_go(&downloads, download, &run->list.jobs[i], run->options,
                              &run->counts) != 0)
                break;
    }
    return error;
}

/* Until all is done, or a signal says that it is enough. */
static void watch(struct run *run, bine_future(int) all, bine_chan(int) stop, bine_time since)
{
    bine_case cases[] = {BINE_ENDED(all), BINE_RECV(stop, NULL)};
    int chosen;
    do {
        progress_draw(&run->counts, (unsigned)run->list.count, since);
        chosen = bine_select_until(cases, 2, bine_after(DRAW_PERIOD));
    } while (chosen == -ETIMEDOUT);
    if (chosen == 1)
        bine_cancel(all);
}

static const char *reason(const struct job *job, char *text, size_t size)
{
    if (job->state == JOB_WAITING)
        return "not begun";
    if (job->state == JOB_STOPPED)
        return "out of time";
    if (job->error != -EREMOTEIO)
        return strerror(-job->error);
    snprintf(text, size, "the server says %d", job->status);
    return text;
}

/* Returns how many files are missing. */
static size_t report(const struct run *run, bine_time since)
{
    size_t missing = 0;
    char text[64];
    double seconds = (double)(bine_now() - since) / 1e9;
    progress_clear();
    for (size_t i = 0; i < run->list.count; i++) {
        const struct job *job = &run->list.jobs[i];
        if (job->state == JOB_DONE)
            continue;
        missing++;
        fprintf(stderr, "fetch: %s: %s (tries: %u)\n", job->text, reason(job, text, sizeof text),
                job->tries);
    }
    fprintf(stderr, "fetch: %zu of %zu files, %.1f MB in %.2f s, %u retries\n",
            run->list.count - missing, run->list.count, (double)run->counts.bytes / 1e6, seconds,
            run->counts.retries);
    return missing;
}

static int run_all(struct run *run)
{
    bine_time since = bine_now();
    bine_chan(int) stop = bine_signals((const int[]){SIGINT, SIGTERM}, 2);
    bine_future(int) all = stop ? bine_async(download_all, run) : NULL;
    if (!all)
        die("cannot start", errno);
    watch(run, all, stop, since);
    bine_await(all);
    bine_chan_unref(stop);
    return report(run, since) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: fetch [OPTION]... [URL]...\n"
    "Downloads files by http, many at once.\n"
    "\n"
    "  --list FILE       reads URLs from FILE, one a line; -: from standard input\n"
    "  --output DIR      puts the files there, not into the current directory\n"
    "  --connections N   at most N at once, 8 if not said\n"
    "  --retries N       tries again up to N times, 4 if not said\n"
    "  --backoff S       seconds before the first retry, 0.5; doubled each time\n"
    "  --silence S       seconds without a byte until a try has failed, 20\n"
    "  --time S          seconds for all of it; no limit if not said\n"
    "  --help            prints this\n"
    "\n"
    "Exit status: 0 if all files are there, 1 if some are not, 2 for a wrong command line.\n";

static _Noreturn void refuse(const char *option, const char *text)
{
    fprintf(stderr, "fetch: --%s does not take '%s' (try --help)\n", option, text);
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

static struct options parse_options(int argc, char **argv, const char **list)
{
    static const struct option known[] = {
        {"list", required_argument, NULL, 'l'},
        {"output", required_argument, NULL, 'o'},
        {"connections", required_argument, NULL, 'c'},
        {"retries", required_argument, NULL, 'r'},
        {"backoff", required_argument, NULL, 'b'},
        {"silence", required_argument, NULL, 's'},
        {"time", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.directory = ".",
                              .connections = 8,
                              .retries = 4,
                              .backoff = BINE_S(0.5),
                              .silence = BINE_S(20),
                              .deadline = BINE_NEVER};
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;) {
        const char *name = known[index].name;
        switch (option) {
        case 'l':
            *list = optarg;
            break;
        case 'o':
            options.directory = optarg;
            break;
        case 'c':
            options.connections = parse_number(name, optarg, 1, MOST_CONNECTIONS);
            break;
        case 'r':
            options.retries = parse_number(name, optarg, 0, MOST_RETRIES);
            break;
        case 'b':
            options.backoff = parse_seconds(name, optarg);
            break;
        case 's':
            options.silence = parse_seconds(name, optarg);
            break;
        case 't':
            options.deadline = bine_after(parse_seconds(name, optarg));
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long has said what is wrong */
            exit(USAGE_ERROR);
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    const char *list = NULL;
    struct options options = parse_options(argc, argv, &list);
    struct run run = {.options = &options};
    srand48((long)time(NULL) ^ getpid());
    if (list)
        add_jobs_of(&run.list, list, options.directory);
    for (int i = optind; i < argc; i++)
        add_job(&run.list, argv[i], options.directory);
    if (run.list.count == 0) {
        fputs("fetch: no URL was given (try --help)\n", stderr);
        return USAGE_ERROR;
    }
    if (mkdir(options.directory, 0777) != 0 && errno != EEXIST)
        die(options.directory, errno);
    int result = bine_run(run_all, &run);
    free_list(&run.list);
    return result;
}
