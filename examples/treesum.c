/*
 * SHA-256 of every file below the given directories, in the format of sha256sum.
 *
 * Whatever the walk meets, file or directory, is an entry, and each entry gets a task of its own: a
 * file is summed; a directory is listed, which adds entries.
 *
 * 1. All entries stand in one queue, in the order in which they were found. At most MOST_IN_FLIGHT
 *    of them are tasks at a time; a task that ends starts the next. So open descriptors and stacks
 *    stay few however large the tree is. Only the paths and sums are kept, to be sorted at the end.
 * 2. Either as many tasks are in flight as may be, or no entry waits. So when the pool has no task
 *    left, all is done.
 * 3. An entry belongs to its task. Main reads the entries once all tasks have ended.
 * 4. Nothing blocks for ever: every file is opened with O_NONBLOCK, and read only if it is regular.
 */
#include <bine.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_IN_FLIGHT = 256,
    READ_SIZE = 64 * 1024,   /* bytes; the buffer lies on the task's stack */
    STACK_SIZE = 128 * 1024, /* bytes */
    READS_PER_TURN = 4,      /* then others may run: they take a fraction of a millisecond */
    SUM_SIZE = 32,           /* bytes */
    MOST_WORKERS = 1024,
    SHARES = 512, /* workers counted each on its own; the last share is for all others */
};

struct entry {
    mode_t type;                 /* S_IFREG, S_IFDIR, ...; 0: not known yet */
    int error;                   /* why it could not be read, as errno has it; 0: it could */
    const char *skipped;         /* what it is, if for that it was passed over; else NULL */
    unsigned char sum[SUM_SIZE]; /* of a regular file that could be read */
    char path[];
};

struct list {
    struct entry **entries;
    size_t count;
    size_t capacity;
};

struct queue {
    struct list list;   /* every entry found */
    size_t taken;       /* how many of them, from the front, were given to a task */
    unsigned in_flight; /* how many of these tasks have not ended */
};

/* What one worker has summed, on a cache line of its own. Others read it meanwhile, to show it. */
struct share {
    _Alignas(64) _Atomic uint64_t files;
    _Atomic uint64_t bytes;
};

struct total {
    unsigned long long files;
    double megabytes;
};

struct run {
    bine_pool *pool;
    bine_guarded(struct queue) queue;
    unsigned most_in_flight;
    unsigned workers;
    bine_time began;
    bine_time elapsed;
    struct share shares[SHARES];
};

struct options {
    unsigned workers; /* 0: one per processor */
    bool compare;
};

static void visit(struct run *run, struct entry *entry); /* recursive by way of start_waiting() */

static void die(const char *what, int error)
{
    fprintf(stderr, "treesum: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

/* --- entries --- */

/* The entry `name` of a directory; in no directory if `directory` is empty. */
static struct entry *new_entry(const char *directory, const char *name, mode_t type)
{
    size_t length = strlen(directory);
    const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
    size_t size = length + strlen(slash) + strlen(name) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + size);
    if (!entry)
        die(name, ENOMEM);
    snprintf(entry->path, size, "%s%s%s", directory, slash, name);
    entry->type = type;
    return entry;
}

static void append(struct list *list, struct entry *entry)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->entries = realloc(list->entries, list->capacity * sizeof(*list->entries));
        if (!list->entries)
            die(entry->path, ENOMEM);
    }
    list->entries[list->count++] = entry;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(struct entry *const *)a)->path, (*(struct entry *const *)b)->path);
}

static const char *name_of_type(mode_t type)
{
    return type == S_IFIFO    ? "fifo"
           : type == S_IFSOCK ? "socket"
           : type == S_IFBLK  ? "block device"
           : type == S_IFCHR  ? "character device"
           : type == S_IFDIR  ? "directory"
                              : "file of unknown type";
}

/* --- the queue --- */

/* Takes the entry that has waited longest, if one waits and one more task may be in flight. */
static struct entry *take_waiting(struct run *run)
{
    struct entry *entry = NULL;
    BINE_LOCKED (&run->queue, queue) {
        if (queue->taken < queue->list.count && queue->in_flight < run->most_in_flight) {
            entry = queue->list.entries[queue->taken++];
            queue->in_flight++;
        }
    }
    return entry;
}

static void start_waiting(struct run *run)
{
    for (struct entry *entry; (entry = take_waiting(run));) {
        int error = bine_pool_go(run->pool, visit, run, entry);
        if (error)
            die("cannot start a task", -error);
    }
}

/* --- what a task does with its entry --- */

static struct share *my_share(struct run *run)
{
    unsigned worker = (unsigned)bine_worker();
    return &run->shares[worker < SHARES ? worker : SHARES - 1];
}

/*
 * Returns bytes, or -errno. noinline: the caller yields between reads and may then be on another
 * thread, but a compiler takes the address of errno to be the same throughout a function.
 */
__attribute__((noinline)) static ssize_t read_some(int fd, void *buffer, size_t size)
{
    ssize_t count;
    do
        count = read(fd, buffer, size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

/* Returns 0 or an errno. */
static int sum_descriptor(struct run *run, int fd, EVP_MD_CTX *digest)
{
    unsigned char buffer[READ_SIZE];
    for (unsigned reads = 1;; reads++) {
        ssize_t count = read_some(fd, buffer, sizeof(buffer));
        if (count <= 0)
            return (int)-count;
        if (!EVP_DigestUpdate(digest, buffer, (size_t)count))
            return EIO;
        /* relaxed: a count to show; nothing is read by it. */
        atomic_fetch_add_explicit(&my_share(run)->bytes, (uint64_t)count, memory_order_relaxed);
        if (reads % READS_PER_TURN == 0)
            bine_yield();
    }
}

/* Returns a descriptor, or -1 and what went wrong in the entry. */
static int open_regular(struct entry *entry)
{
    struct stat status;
    int fd = open(entry->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        entry->error = errno;
    else if (!S_ISREG(status.st_mode)) /* somebody has put another thing in its place */
        entry->skipped = name_of_type(status.st_mode & S_IFMT);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void sum_file(struct run *run, struct entry *entry)
{
    int fd = open_regular(entry);
    if (fd < 0)
        return;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL))
        die(entry->path, ENOMEM);
    entry->error = sum_descriptor(run, fd, digest);
    if (!entry->error && !EVP_DigestFinal_ex(digest, entry->sum, NULL))
        entry->error = EIO;
    EVP_MD_CTX_free(digest);
    close(fd);
    if (!entry->error)
        atomic_fetch_add_explicit(&my_share(run)->files, 1, memory_order_relaxed);
}

/* Returns 0 or an errno. Calls nothing of bine, so errno stays that of one thread. */
static int read_directory(const char *path, struct list *found)
{
    DIR *directory = opendir(path);
    if (!directory)
        return errno;
    struct dirent *next;
    while ((errno = 0, next = readdir(directory)))
        if (strcmp(next->d_name, ".") != 0 && strcmp(next->d_name, "..") != 0)
            append(found, new_entry(path, next->d_name, DTTOIF(next->d_type)));
    int error = errno;
    closedir(directory);
    return error;
}

static void list_directory(struct run *run, struct entry *entry)
{
    struct list found = {0};
    entry->error = read_directory(entry->path, &found);
    BINE_LOCKED (&run->queue, queue) {
        for (size_t i = 0; i < found.count; i++)
            append(&queue->list, found.entries[i]);
    }
    free(found.entries);
    start_waiting(run);
}

/* Links are not followed. One that leads in a circle is worth a word. */
static void look_at_link(struct entry *entry)
{
    struct stat status;
    if (stat(entry->path, &status) != 0 && errno == ELOOP)
        entry->skipped = "loop of symbolic links";
}

/* Some file systems do not tell the type with the name. */
static void learn_type(struct entry *entry)
{
    struct stat status;
    if (lstat(entry->path, &status) == 0)
        entry->type = status.st_mode & S_IFMT;
    else
        entry->error = errno;
}

/* A task. */
static void visit(struct run *run, struct entry *entry)
{
    if (!entry->type && !entry->error)
        learn_type(entry);
    switch (entry->type) {
    case 0: /* it could not be learnt: entry->error says why */
        break;
    case S_IFREG:
        sum_file(run, entry);
        break;
    case S_IFDIR:
        list_directory(run, entry);
        break;
    case S_IFLNK:
        look_at_link(entry);
        break;
    default:
        entry->skipped = name_of_type(entry->type);
    }
    BINE_LOCKED (&run->queue, queue) {
        queue->in_flight--;
    }
    start_waiting(run);
}

/* --- a run over the whole tree --- */

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed); /* a count to show, no more */
}

static struct total add_shares(const struct run *run)
{
    struct total total = {0};
    for (unsigned i = 0; i < SHARES; i++) {
        total.files += get(&run->shares[i].files);
        total.megabytes += (double)get(&run->shares[i].bytes) / 1e6;
    }
    return total;
}

static double seconds(bine_time span)
{
    return (double)(span > 0 ? span : 1) / 1e9;
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The bar shows how many of the entries found so far are done. */
static void draw_progress(struct run *run)
{
    enum { WIDEST = 60 };
    size_t found = 0, done = 0;
    BINE_LOCKED (&run->queue, queue) {
        found = queue->list.count;
        done = queue->taken - queue->in_flight;
    }
    struct total total = add_shares(run);
    double speed = total.megabytes / seconds(bine_now() - run->began);
    char text[80], bar[WIDEST + 1] = "";
    int length = snprintf(text, sizeof(text), "%llu files, %.0f MB, %.0f MB/s", total.files,
                          total.megabytes, speed);
    int width = terminal_columns() - length - 4;
    width = width < 0 ? 0 : width > WIDEST ? WIDEST : width;
    memset(bar, '-', (size_t)width);
    memset(bar, '#', found ? (size_t)width * done / found : 0);
    fprintf(stderr, "\r[%s] %.*s\033[K", bar, terminal_columns() - 4, text);
}

static void add_operand(struct run *run, const char *path)
{
    struct stat status;
    struct entry *entry = new_entry("", strcmp(path, "-") == 0 ? "./-" : path, 0);
    if (stat(entry->path, &status) == 0) /* links are followed here, and nowhere below */
        entry->type = status.st_mode & S_IFMT;
    else
        entry->error = errno;
    BINE_LOCKED (&run->queue, queue) {
        append(&queue->list, entry);
    }
}

/* At most a quarter of the descriptors that the process may have: others are the runtime's. */
static unsigned count_in_flight(void)
{
    struct rlimit descriptors;
    if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur / 4 > MOST_IN_FLIGHT)
        return MOST_IN_FLIGHT;
    return descriptors.rlim_cur < 4 ? 1 : (unsigned)(descriptors.rlim_cur / 4);
}

/* Visits all that the operands name. `options` are those of the pool to do it with. */
static void run_tree(struct run *run, char **operands, const bine_pool_options *options)
{
    bool progress = isatty(STDERR_FILENO);
    run->most_in_flight = count_in_flight();
    run->began = bine_now();
    int error = bine_pool_open(&run->pool, options);
    if (error)
        die("cannot open a pool", -error);
    for (char **operand = operands; *operand; operand++)
        add_operand(run, *operand);
    start_waiting(run);
    while (bine_pool_wait_until(run->pool, bine_after(BINE_MS(100))) == -ETIMEDOUT)
        if (progress)
            draw_progress(run);
    run->elapsed = bine_now() - run->began;
    run->workers = bine_pool_workers(run->pool);
    bine_pool_close(run->pool);
    if (progress)
        fprintf(stderr, "\r\033[K");
}

static void free_entries(struct run *run)
{
    struct list *list = &run->queue.data.list;
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i]);
    free(list->entries);
}

static bine_time time_run(char **operands, const bine_pool_options *options)
{
    struct run run = {0};
    run_tree(&run, operands, options);
    free_entries(&run);
    return run.elapsed;
}

/* --- the results --- */

#define ESCAPED "\\\n\r" /* what sha256sum does not print as it is */

/* As sha256sum does, so that a sum stays on one line. */
static void print_sum(const struct entry *entry)
{
    if (strpbrk(entry->path, ESCAPED))
        putchar('\\');
    for (int i = 0; i < SUM_SIZE; i++)
        printf("%02x", entry->sum[i]);
    printf("  ");
    for (const char *c = entry->path; *c; c++) {
        if (strchr(ESCAPED, *c))
            putchar('\\');
        putchar(*c == '\n' ? 'n' : *c == '\r' ? 'r' : *c);
    }
    putchar('\n');
}

/* A name may hold anything; what would upset a terminal is shown by its octal number. */
static void report(const struct entry *entry)
{
    fprintf(stderr, "treesum: ");
    for (const unsigned char *c = (const unsigned char *)entry->path; *c; c++) {
        if (*c < ' ' || *c == 127)
            fprintf(stderr, "\\%03o", *c);
        else
            fputc(*c, stderr);
    }
    if (entry->error)
        fprintf(stderr, ": %s\n", strerror(entry->error));
    else
        fprintf(stderr, ": skipped, a %s\n", entry->skipped);
}

/* Prints the sums, and on stderr what has none. Returns false if something could not be read. */
static bool print_results(struct run *run)
{
    struct list *list = &run->queue.data.list;
    size_t links = 0, escaped = 0, unreadable = 0;
    if (list->count)
        qsort(list->entries, list->count, sizeof(*list->entries), compare_paths);
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = list->entries[i];
        links += entry->type == S_IFLNK;
        unreadable += entry->error != 0;
        if (entry->error || entry->skipped) {
            report(entry);
        } else if (entry->type == S_IFREG) {
            print_sum(entry);
            escaped += strpbrk(entry->path, ESCAPED) != NULL;
        }
    }
    if (links)
        fprintf(stderr, "treesum: %zu symbolic links not followed\n", links);
    if (escaped)
        fprintf(stderr, "treesum: %zu names with a backslash or line end, escaped\n", escaped);
    return unreadable == 0;
}

static void print_summary(const struct run *run)
{
    struct total total = add_shares(run);
    fprintf(stderr, "%llu files, %.1f MB in %.3f s (%.0f MB/s) by %zu tasks on %u workers\n",
            total.files, total.megabytes, seconds(run->elapsed),
            total.megabytes / seconds(run->elapsed), run->queue.data.taken, run->workers);
    for (unsigned i = 0; i < SHARES; i++) {
        unsigned long long files = get(&run->shares[i].files);
        double megabytes = (double)get(&run->shares[i].bytes) / 1e6;
        if (files > 0 || megabytes > 0)
            fprintf(stderr, "  worker %3u  %7llu files  %9.1f MB  %5.1f %%\n", i, files, megabytes,
                    total.megabytes > 0 ? 100 * megabytes / total.megabytes : 0);
    }
}

/*
 * Times the tree again, which is now in the page cache: with one worker, twice with all, with one,
 * so that a machine that slows down or speeds up does so for both. A serial pool gets no spares.
 */
static void compare(char **operands, const bine_pool_options *all, unsigned workers)
{
    bine_pool_options one = *all;
    one.workers = 1;
    one.serial = true;
    bine_time by_one = time_run(operands, &one);
    bine_time by_all = time_run(operands, all);
    by_all += time_run(operands, all);
    by_one += time_run(operands, &one);
    fprintf(stderr, "one worker %.3f s, %u workers %.3f s: speed-up %.2f\n", seconds(by_one) / 2,
            workers, seconds(by_all) / 2, seconds(by_one) / seconds(by_all));
}

/* --- the command line --- */

static const char usage[] =
    "Usage: treesum [--workers N] [--compare] [PATH]...\n"
    "Prints the SHA-256 of every regular file in the given directories and all below them,\n"
    "sorted by name, for 'sha256sum -c'. Without PATH: /usr/include and /usr/share/doc.\n"
    "\n"
    "  --workers N  hashes with N workers, 1 to 1024, not with one per processor\n"
    "  --compare    then times it again with one worker and with all\n"
    "  --help       prints this\n"
    "\n"
    "A PATH may be a symbolic link; links below it are not followed. Fifos, sockets, devices\n"
    "and loops of links are named on stderr and passed over.\n"
    "Exit status: 0; 1 if something could not be read; 2 for a wrong command line.\n";

static unsigned parse_workers(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > MOST_WORKERS) {
        fprintf(stderr, "treesum: --workers takes 1 to 1024, not: '%s' (try --help)\n", text);
        exit(2);
    }
    return (unsigned)value;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"workers", required_argument, NULL, 'w'},
        {"compare", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'w':
            options.workers = parse_workers(optarg);
            break;
        case 'c':
            options.compare = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long has said what is wrong */
            exit(2);
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    static char *usual[] = {"/usr/include", "/usr/share/doc", NULL};
    struct options options = parse_options(argc, argv);
    char **operands = optind < argc ? argv + optind : usual;
    bine_pool_options all = {
        .name = "treesum", .workers = options.workers, .stack_size = STACK_SIZE};
    struct run run = {0};
    run_tree(&run, operands, &all);
    bool read_all = print_results(&run);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "treesum: cannot write to standard output\n");
        return EXIT_FAILURE;
    }
    print_summary(&run);
    if (options.compare)
        compare(operands, &all, run.workers);
    free_entries(&run);
    return read_all ? EXIT_SUCCESS : EXIT_FAILURE;
}
