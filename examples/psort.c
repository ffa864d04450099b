/*
 * Sorts the lines of files, as `LC_ALL=C sort` does, by all processors.
 *
 *   read      one file after the other, into one piece of memory
 *   find      bine_for over slices counts the lines of each, bine_scan sums the counts up, so that
 *             each slice knows where its lines stand among all, and bine_for writes them down there
 *   sort      bine_sort, by the first 8 bytes as a number, then by the rest
 *   join      bine_scan sums the lengths up, and bine_for copies each line to where it ends up
 *   write     to standard output, or a file
 *
 * 1. A line is its bytes without the newline. It belongs to the slice that it begins in.
 * 2. Every step but reading and writing is a loop over something that no two indices share.
 */
#include <bine.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SLICE = 256 * 1024,     /* bytes whose lines are looked for in one piece */
    FIRST_SIZE = 64 * 1024, /* room for what is read, at first */
    MOST_WORKERS = 1024,
};

struct line {
    uint64_t start; /* its first bytes, the first one highest; 0 bytes where it is shorter */
    const char *text;
    size_t length;
};

struct text {
    char *bytes;
    size_t size, room;
};

/* All that is known of the lines. */
struct job {
    const char *bytes; /* that end with a newline */
    size_t size;
    size_t slices;
    size_t *counts;    /* of each slice: its lines; then, those up to and with it */
    struct line *lines;
    size_t count;
    size_t *ends;      /* of each line: where it ends in `joined` */
    char *joined;
    bool reverse;
};

struct options {
    unsigned workers; /* 0: one per processor */
    bool reverse, compare;
    const char *output; /* NULL: standard output */
};

static void die(const char *what, int error)
{
    fprintf(stderr, "psort: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        die("no room for the lines", ENOMEM);
    return memory;
}

/* --- reading and writing --- */

static void make_room(struct text *text)
{
    if (text->size + 1 < text->room) /* one more, for a newline that is missing */
        return;
    text->room = text->room ? 2 * text->room : FIRST_SIZE;
    text->bytes = realloc(text->bytes, text->room);
    if (!text->bytes)
        die("no room for the files", ENOMEM);
}

static void read_descriptor(struct text *text, int fd, const char *name)
{
    ssize_t got;
    do {
        make_room(text);
        got = read(fd, text->bytes + text->size, text->room - text->size - 1);
        if (got < 0 && errno != EINTR)
            die(name, errno);
        text->size += got > 0 ? (size_t)got : 0;
    } while (got != 0);
    if (text->size > 0 && text->bytes[text->size - 1] != '\n')
        text->bytes[text->size++] = '\n';
}

static void read_file(struct text *text, const char *path)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die(path, errno);
    read_descriptor(text, fd, path);
    if (fd != STDIN_FILENO)
        close(fd);
}

static void write_all(int fd, const char *bytes, size_t size, const char *name)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno != EINTR)
            die(name, errno);
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        }
    }
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : STDOUT_FILENO;
    if (fd < 0)
        die(path, errno);
    write_all(fd, bytes, size, path ? path : "standard output");
    if (path && close(fd) != 0)
        die(path, errno);
}

/* --- finding the lines --- */

static void add(void *context, void *left, const void *right)
{
    (void)context;
    *(size_t *)left += *(const size_t *)right;
}

static size_t slice_end(const struct job *job, size_t slice)
{
    return slice + 1 == job->slices ? job->size : (slice + 1) * SLICE;
}

/* Where the first line begins that does not begin before the slice. */
static size_t first_line(const struct job *job, size_t slice)
{
    size_t at = slice * SLICE;
    if (at == 0 || job->bytes[at - 1] == '\n')
        return at;
    const char *newline = memchr(job->bytes + at, '\n', job->size - at);
    return (size_t)(newline - job->bytes) + 1; /* there is one: the last byte */
}

static size_t line_length(const struct job *job, size_t at)
{
    const char *newline = memchr(job->bytes + at, '\n', job->size - at);
    return (size_t)(newline - job->bytes) - at;
}

static void count_lines(void *context, size_t begin, size_t end)
{
    struct job *job = context;
    for (size_t slice = begin; slice < end; slice++)
        for (size_t at = first_line(job, slice); at < slice_end(job, slice);
             at += line_length(job, at) + 1)
            job->counts[slice]++;
}

static uint64_t start_of(const char *text, size_t length)
{
    uint64_t start = 0;
    memcpy(&start, text, length < sizeof start ? length : sizeof start);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(start) : start;
}

static void note_lines(void *context, size_t begin, size_t end)
{
    struct job *job = context;
    for (size_t slice = begin; slice < end; slice++) {
        size_t number = slice ? job->counts[slice - 1] : 0;
        for (size_t at = first_line(job, slice); at < slice_end(job, slice);) {
            size_t length = line_length(job, at);
            const char *text = job->bytes + at;
            job->lines[number++] = (struct line){start_of(text, length), text, length};
            at += length + 1;
        }
    }
}

static int find_lines(struct job *job)
{
    int error = bine_for(0, job->slices, 0, count_lines, job);
    if (!error)
        error = bine_scan(job->counts, job->slices, sizeof *job->counts, add, NULL);
    if (error)
        return error;
    job->count = job->slices ? job->counts[job->slices - 1] : 0;
    job->lines = allocate(job->count, sizeof *job->lines);
    return bine_for(0, job->slices, 0, note_lines, job);
}

/* --- sorting and joining them --- */

static int compare_lines(const void *left_, const void *right_, void *context)
{
    const struct job *job = context;
    const struct line *left = job->reverse ? right_ : left_, *right = job->reverse ? left_ : right_;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    size_t shorter = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, shorter);
    return order ? order : (left->length > right->length) - (left->length < right->length);
}

static void note_lengths(void *context, size_t begin, size_t end)
{
    struct job *job = context;
    for (size_t i = begin; i < end; i++)
        job->ends[i] = job->lines[i].length + 1;
}

static void copy_lines(void *context, size_t begin, size_t end)
{
    struct job *job = context;
    for (size_t i = begin; i < end; i++) {
        const struct line *line = &job->lines[i];
        char *to = job->joined + (i ? job->ends[i - 1] : 0);
        memcpy(to, line->text, line->length);
        to[line->length] = '\n';
    }
}

static int join_lines(struct job *job)
{
    job->ends = allocate(job->count, sizeof *job->ends);
    job->joined = allocate(job->size, 1);
    int error = bine_for(0, job->count, 0, note_lengths, job);
    if (!error)
        error = bine_scan(job->ends, job->count, sizeof *job->ends, add, NULL);
    return error ? error : bine_for(0, job->count, 0, copy_lines, job);
}

static int sort_text(struct job *job)
{
    job->slices = (job->size + SLICE - 1) / SLICE;
    job->counts = allocate(job->slices, sizeof *job->counts);
    int error = find_lines(job);
    if (!error)
        error = bine_sort(job->lines, job->count, sizeof *job->lines, compare_lines, job);
    return error ? error : join_lines(job);
}

static void free_job(struct job *job)
{
    free(job->counts);
    free(job->lines);
    free(job->ends);
    free(job->joined);
}

/* Returns how long it took, in ms. */
static double sort_with(struct job *job, unsigned *workers)
{
    bine_pool *pool;
    bine_pool_options options = {.name = "psort", .workers = *workers};
    int error = bine_pool_open(&pool, &options);
    if (error)
        die("cannot start workers", -error);
    *workers = bine_pool_workers(pool);
    bine_time began = bine_now();
    bine_future(int) sorted = bine_pool_async(pool, sort_text, job);
    error = sorted ? bine_await(sorted) : -errno;
    if (error)
        die("cannot sort", -error);
    double ms = (double)(bine_now() - began) / 1e6;
    bine_pool_close(pool);
    return ms;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: psort [--workers N] [--reverse] [--compare] [--output FILE] [FILE]...\n"
    "Prints the lines of all FILEs, sorted as LC_ALL=C sort does. Without FILE, or where it is -,\n"
    "standard input is read.\n"
    "\n"
    "  --workers N    with N workers, 1 to 1024, not one per processor\n"
    "  --reverse      the other way round\n"
    "  --compare      then sorts again with one worker and with all, and prints the speed-up\n"
    "  --output FILE  to FILE, which may be one of those that are read\n"
    "  --help         prints this\n"
    "Exit status: 0; 1 if something could not be read or written; 2 for a wrong command line.\n";

static unsigned parse_workers(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > MOST_WORKERS) {
        fprintf(stderr, "psort: --workers takes 1 to 1024, not: '%s' (try --help)\n", text);
        exit(2);
    }
    return (unsigned)value;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {{"workers", required_argument, NULL, 'w'},
                                          {"reverse", no_argument, NULL, 'r'},
                                          {"compare", no_argument, NULL, 'c'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'w')
            options.workers = parse_workers(optarg);
        else if (option == 'r')
            options.reverse = true;
        else if (option == 'c')
            options.compare = true;
        else if (option == 'o')
            options.output = optarg;
        else if (option == 'h')
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
        else
            exit(2);
    }
    return options;
}

static double sort_again(const struct job *done, unsigned workers)
{
    struct job job = {.bytes = done->bytes, .size = done->size, .reverse = done->reverse};
    double ms = sort_with(&job, &workers);
    if (memcmp(job.joined, done->joined, job.size) != 0) {
        fprintf(stderr, "psort: sorted again, the lines are others\n");
        exit(EXIT_FAILURE);
    }
    free_job(&job);
    return ms;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    struct text text = {0};
    if (optind == argc)
        read_file(&text, "-");
    for (; optind < argc; optind++)
        read_file(&text, argv[optind]);
    struct job job = {.bytes = text.bytes, .size = text.size, .reverse = options.reverse};
    unsigned workers = options.workers;
    double ms = sort_with(&job, &workers);
    write_file(options.output, job.joined, job.size);
    if (options.compare) {
        double alone = sort_again(&job, 1), all = sort_again(&job, workers);
        fprintf(stderr,
                "%zu lines, %.1f MB: first %.1f ms; one worker %.1f ms, %u workers %.1f ms: "
                "speed-up %.2f\n",
                job.count, (double)job.size / 1e6, ms, alone, workers, all, alone / all);
    }
    free_job(&job);
    free(text.bytes);
    return EXIT_SUCCESS;
}
