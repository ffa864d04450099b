/*
 * Counts the words of text files, two ways: by a pipeline in which every piece of data has one
 * owner at a time, and by the same tasks with one table that a mutex guards.
 *
 *              paths           blocks of lines            tables
 *      main ----------> readers ---------------> counters --------> merger      (channels)
 *                                                counters --------> one table   (--mutex)
 *
 * 1. A block is moved: who has sent it cannot use it any more, and who receives it frees it.
 * 2. A counter has a table of its own, which it moves to the merger when no more blocks come.
 * 3. Each stage ends when the channel before it is closed and drained; main closes a channel when
 *    all who send into it have ended.
 */
#define _GNU_SOURCE
#include <bine.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BLOCK_SIZE = 64 * 1024, /* bytes; more where a line is longer */
    BLOCKS_AHEAD = 4,       /* per worker: readers wait when counters fall behind */
    FIRST_SLOTS = 1024,     /* of a table; a power of two */
    MOST_WORKERS = 256,
    TOP = 20,
    LONGEST_SHOWN = 20, /* letters of a word in the chart */
};

static _Noreturn void die(const char *what, int error)
{
    fprintf(stderr, "wordcount: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

static void *need(void *memory)
{
    if (!memory)
        die("no memory", ENOMEM);
    return memory;
}

/* --- words --- */

struct word {
    char *text; /* NULL: a free slot */
    size_t length;
    uint64_t hash;
    uint64_t count;
};

struct table {
    struct word *slots; /* open addressing; their number is a power of two */
    size_t slot_count;
    size_t words;   /* different ones */
    uint64_t total; /* all of them */
};

static struct word *find_slot(struct table *table, const char *text, size_t length, uint64_t hash)
{
    for (size_t i = hash;; i++) {
        struct word *slot = &table->slots[i & (table->slot_count - 1)];
        if (!slot->text ||
            (slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0))
            return slot;
    }
}

static void grow(struct table *table)
{
    struct table larger = *table;
    larger.slot_count = table->slot_count ? 2 * table->slot_count : FIRST_SLOTS;
    larger.slots = need(calloc(larger.slot_count, sizeof(*larger.slots)));
    for (size_t i = 0; i < table->slot_count; i++) {
        const struct word *word = &table->slots[i];
        if (word->text)
            *find_slot(&larger, word->text, word->length, word->hash) = *word;
    }
    free(table->slots);
    *table = larger;
}

/* `text` is copied where the word is new. */
static void add_word(struct table *table, const char *text, size_t length, uint64_t hash,
                     uint64_t count)
{
    if (2 * table->words >= table->slot_count)
        grow(table);
    struct word *word = find_slot(table, text, length, hash);
    if (!word->text) {
        *word = (struct word){need(malloc(length)), length, hash, 0};
        memcpy(word->text, text, length);
        table->words++;
    }
    word->count += count;
    table->total += count;
}

/* Letters of ASCII, made small, and everything beyond it. */
static bool in_word(char c)
{
    return (unsigned char)c >= 0x80 || isalpha((unsigned char)c);
}

/* Words in `text` are changed to small letters on the way. */
static void add_words(struct table *table, char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
        size_t start = i;
        for (; i < size && in_word(text[i]); i++) {
            text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
            hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
        }
        if (i > start)
            add_word(table, text + start, i - start, hash ^ hash >> 32, 1);
    }
}

static void free_table(struct table *table)
{
    for (size_t i = 0; i < table->slot_count; i++)
        free(table->slots[i].text);
    free(table->slots);
    *table = (struct table){0};
}

/* Moves what is in `from` into `table`. */
static void merge(struct table *table, struct table *from)
{
    for (size_t i = 0; i < from->slot_count; i++) {
        const struct word *word = &from->slots[i];
        if (word->text)
            add_word(table, word->text, word->length, word->hash, word->count);
    }
    free_table(from);
}

static bool same_tables(struct table *a, struct table *b)
{
    for (size_t i = 0; i < a->slot_count; i++) {
        const struct word *word = &a->slots[i];
        if (word->text && find_slot(b, word->text, word->length, word->hash)->count != word->count)
            return false;
    }
    return a->words == b->words && a->total == b->total;
}

/* --- the pipeline --- */

struct block {
    size_t size;
    size_t capacity;
    char text[];
};

struct totals {
    _Atomic long files, binary, unreadable;
    _Atomic unsigned long long bytes;
};

struct run {
    bine_chan(const char *) paths;
    bine_chan(struct block *) blocks;
    bine_chan(struct table *) tables;
    bine_guarded(struct table) shared; /* the table of --mutex */
    bool by_mutex;
    bine_waitgroup readers, counters;
    struct totals totals;
};

/* A block with room for one byte more at least, which begins with the end of the one before. */
static struct block *next_block(const char *rest, size_t size)
{
    size_t capacity = size < BLOCK_SIZE / 2 ? BLOCK_SIZE : 2 * size;
    struct block *block = need(malloc(sizeof(*block) + capacity));
    *block = (struct block){size, capacity};
    memcpy(block->text, rest, size);
    return block;
}

/* Sends what the block has of whole lines; returns one with the rest. */
static struct block *send_lines(struct run *run, struct block *block)
{
    const char *last = memrchr(block->text, '\n', block->size);
    size_t lines = last ? (size_t)(last + 1 - block->text) : 0;
    struct block *rest = next_block(block->text + lines, block->size - lines);
    block->size = lines;
    if (lines == 0 || bine_send_move(run->blocks, &block) != 0)
        free(block);
    return rest;
}

static void read_file(struct run *run, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct block *block = next_block("", 0);
    ssize_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 &&
           (got = read(fd, block->text + block->size, block->capacity - block->size)) > 0) {
        if (memchr(block->text + block->size, 0, (size_t)got)) {
            run->totals.binary++;
            goto close_file; /* what was sent before stays counted, in both ways */
        }
        block->size += (size_t)got;
        run->totals.bytes += (unsigned long long)got;
        if (block->size == block->capacity)
            block = send_lines(run, block);
    }
    if (got < 0) {
        fprintf(stderr, "wordcount: %s: %s\n", path, strerror(errno));
        run->totals.unreadable++;
    } else {
        run->totals.files++;
    }
    if (block->size > 0)
        bine_send_move(run->blocks, &block);
close_file:
    free(block);
    if (fd >= 0)
        close(fd);
}

static void read_files(struct run *run)
{
    BINE_EACH (path, run->paths)
        read_file(run, path);
    bine_waitgroup_done(&run->readers);
}

static void count_alone(struct run *run)
{
    struct table *table = need(calloc(1, sizeof(*table)));
    BINE_EACH (block, run->blocks) {
        add_words(table, block->text, block->size);
        free(block);
    }
    if (bine_send_move(run->tables, &table) != 0)
        free(table);
}

/* The lock is taken for each line: so long do others wait at most. */
static void count_together(struct run *run)
{
    BINE_EACH (block, run->blocks) {
        for (char *line = block->text, *end = line + block->size, *next; line < end; line = next) {
            next = memchr(line, '\n', (size_t)(end - line));
            next = next ? next + 1 : end;
            BINE_LOCKED (&run->shared, table)
                add_words(table, line, (size_t)(next - line));
        }
        free(block);
    }
}

static void count_words(struct run *run)
{
    if (run->by_mutex)
        count_together(run);
    else
        count_alone(run);
    bine_waitgroup_done(&run->counters);
}

static void merge_tables(struct run *run, struct table *result)
{
    BINE_EACH (table, run->tables) {
        merge(result, table);
        free(table);
    }
}

static void start(void (*fn)(struct run *), struct run *run, bine_waitgroup *group, unsigned count)
{
    bine_waitgroup_add(group, (long)count);
    for (unsigned i = 0; i < count; i++) {
        int error = bine_go(fn, run);
        if (error)
            die("cannot start a task", -error);
    }
}

struct paths {
    char **path;
    size_t count;
};

/* Counts the words of all files into `result`; returns the time it took. */
static bine_time count_files(struct run *run, const struct paths *paths, unsigned workers,
                             struct table *result)
{
    bine_time began = bine_now();
    run->paths = need(bine_chan_make(const char *, workers));
    run->blocks = need(bine_chan_make(struct block *, BLOCKS_AHEAD * workers));
    run->tables = need(bine_chan_make(struct table *, 0));
    bine_future(void) merger = need(bine_async(merge_tables, run, result));
    start(read_files, run, &run->readers, workers);
    start(count_words, run, &run->counters, workers);

    for (size_t i = 0; i < paths->count; i++)
        bine_send(run->paths, paths->path[i]);
    bine_chan_close(run->paths);
    bine_waitgroup_wait(&run->readers);
    bine_chan_close(run->blocks);
    bine_waitgroup_wait(&run->counters);
    bine_chan_close(run->tables);
    bine_await(merger);
    if (run->by_mutex)
        *result = run->shared.data;

    bine_chan_unref(run->paths);
    bine_chan_unref(run->blocks);
    bine_chan_unref(run->tables);
    return bine_now() - began;
}

/* --- the chart --- */

static int by_count(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Returns the words of the table in the order of the chart; the caller's to free. */
static struct word *sort_words(const struct table *table)
{
    struct word *words = need(malloc((table->words + 1) * sizeof(*words)));
    size_t count = 0;
    for (size_t i = 0; i < table->slot_count; i++)
        if (table->slots[i].text)
            words[count++] = table->slots[i];
    qsort(words, count, sizeof(*words), by_count);
    return words;
}

static int chart_width(void)
{
    struct winsize size;
    int columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 80;
    int width = columns - LONGEST_SHOWN - 12;
    return width < 10 ? 10 : width;
}

static void print_chart(const struct table *table)
{
    struct word *words = sort_words(table);
    int width = chart_width();
    for (size_t i = 0; i < table->words && i < TOP; i++) {
        int length = (int)(words[i].length < LONGEST_SHOWN ? words[i].length : LONGEST_SHOWN);
        int bar = (int)((double)width * (double)words[i].count / (double)words[0].count + 0.5);
        printf("%*s%.*s %9llu ", LONGEST_SHOWN - length, "", length, words[i].text,
               (unsigned long long)words[i].count);
        for (int at = 0; at < bar; at++)
            putchar('#');
        putchar('\n');
    }
    free(words);
}

/* --- the whole --- */

static struct paths found; /* nftw() hands nothing on */

static int add_path(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)place;
    if (kind == FTW_DNR || kind == FTW_NS)
        fprintf(stderr, "wordcount: %s: cannot be read\n", path);
    if (kind != FTW_F || !S_ISREG(status->st_mode))
        return 0;
    if ((found.count & (found.count - 1)) == 0) /* full: it doubles at powers of two */
        found.path = need(realloc(found.path, (2 * found.count + 1) * sizeof(*found.path)));
    found.path[found.count++] = need(strdup(path));
    return 0;
}

static const char usage[] =
    "Usage: wordcount [--mutex] [--workers N] [FILE...]\n"
    "Counts the words of text files, and of those below directories (default:\n"
    "/usr/share/common-licenses and /usr/share/doc), by tasks that hand blocks of lines on "
    "through\n"
    "channels, and draws the 20 most frequent. Files that hold a zero byte are passed over.\n"
    "\n"
    "  --mutex      also by the same tasks with one table that a mutex guards, and compares\n"
    "  --workers N  on this many workers, 1 to 256 (default: one per processor)\n";

struct options {
    bool mutex;
    unsigned workers; /* 0: one per processor */
};

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {{"mutex", no_argument, NULL, 'm'},
                                          {"workers", required_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {0};
    char *end;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        unsigned long count = option == 'w' ? strtoul(optarg, &end, 10) : 0;
        if (option == 'm') {
            options.mutex = true;
        } else if (option == 'h') {
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        } else if (option == 'w' && isdigit((unsigned char)*optarg) && !*end && count >= 1 &&
                   count <= MOST_WORKERS) {
            options.workers = (unsigned)count;
        } else {
            if (option == 'w') /* else getopt_long has said what is wrong */
                fprintf(stderr, "wordcount: --workers takes 1 to 256, not '%s'\n", optarg);
            exit(2);
        }
    }
    return options;
}

static void find_files(char *const *names, int count)
{
    enum { DESCRIPTORS = 16 };
    for (int i = 0; i < count; i++)
        if (nftw(names[i], add_path, DESCRIPTORS, FTW_PHYS) != 0)
            fprintf(stderr, "wordcount: %s: %s\n", names[i], strerror(errno));
}

static void print_time(const char *way, bine_time took, const struct totals *totals)
{
    printf("%-8s %8.1f ms %8.1f MB/s\n", way, (double)took / 1e6,
           (double)totals->bytes / ((double)took / 1e9) / 1e6);
}

int main(int argc, char **argv)
{
    static char *const usual[] = {"/usr/share/common-licenses", "/usr/share/doc"};
    static struct run channels, mutex = {.by_mutex = true};
    struct table counted = {0}, checked = {0};
    struct options options = read_options(argc, argv);
    bine_pool_options pool = {.workers = options.workers};
    if (bine_configure(&pool) != 0)
        die("cannot start workers", ENOMEM);
    unsigned workers = bine_pool_workers(bine_pool_self());

    if (optind < argc)
        find_files(argv + optind, argc - optind);
    else
        find_files(usual, 2);
    bine_time took = count_files(&channels, &found, workers, &counted);
    print_chart(&counted);
    printf("\n%llu words, %zu different\n", (unsigned long long)counted.total, counted.words);
    printf("%ld files, %.1f MB; %ld more hold no text; %u workers\n", (long)channels.totals.files,
           (double)channels.totals.bytes / 1e6, (long)channels.totals.binary, workers);
    print_time("channels", took, &channels.totals);
    if (options.mutex) {
        took = count_files(&mutex, &found, workers, &checked);
        print_time("mutex", took, &mutex.totals);
        if (!same_tables(&counted, &checked)) {
            fputs("wordcount: the two ways differ\n", stderr);
            return EXIT_FAILURE;
        }
        puts("both ways count the same");
    }
    free_table(&counted);
    free_table(&checked);
    for (size_t i = 0; i < found.count; i++)
        free(found.path[i]);
    free(found.path);
    if (fflush(stdout) != 0)
        die("standard output", errno);
    return channels.totals.unreadable ? EXIT_FAILURE : EXIT_SUCCESS;
}
