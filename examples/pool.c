/*
 * The classic pool: 10 tasks on 4 workers, each task run by whichever worker is free.
 *
 * Every task finds the primes in a range of its own; the ranges differ in size. When all are done
 * comes a picture: one line per worker, and which task ran on it when.
 *
 * We start as many tasks as there are workers, and each task that ends starts the next one, on the
 * worker that has just become free. Starting all ten at once would be simpler, but a worker that
 * computes for milliseconds while tasks wait gets a spare worker beside it, so that nothing stalls:
 * soon all ten would share the processors. That is what a server wants, but it is not this picture.
 */
#include <bine.h>
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 10000000, MOST_TASKS = 10000, MOST_WORKERS = 256 };

struct task {
    uint32_t from, to; /* its range: from <= n < to */
    unsigned primes;   /* how many it found there */
    unsigned worker;   /* that ran it; see give_spares_numbers() */
    bine_time start;
    bine_time end;
};

struct plan {
    struct task *tasks;
    unsigned count;
    unsigned workers;
    _Atomic unsigned next; /* index of the first task that nobody has started */
    bine_pool *pool;
};

struct options {
    unsigned tasks;
    unsigned workers;
    const char *svg_path; /* NULL: no picture in a file */
};

static void die(const char *what, int error)
{
    fprintf(stderr, "pool: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

/* Makes sure that all of it has been written. */
static void finish(FILE *file, const char *name)
{
    if (fflush(file) == 0 && !ferror(file))
        return;
    fprintf(stderr, "pool: cannot write to %s\n", name);
    exit(EXIT_FAILURE);
}

/* --- the work --- */

static bool is_prime(uint32_t n)
{
    if (n < 4)
        return n >= 2;
    if (n % 2 == 0 || n % 3 == 0)
        return false;
    for (uint32_t divisor = 5; divisor * divisor <= n; divisor += 6)
        if (n % divisor == 0 || n % (divisor + 2) == 0)
            return false;
    return true;
}

static unsigned count_primes(uint32_t from, uint32_t to)
{
    unsigned primes = 0;
    for (uint32_t n = from; n < to; n++)
        primes += is_prime(n);
    return primes;
}

/* A task. It waits nowhere, so it stays on the worker that it began on. */
static void run_task(struct plan *plan, unsigned index)
{
    struct task *task = &plan->tasks[index];
    task->worker = (unsigned)bine_worker();
    task->start = bine_now();
    task->primes = count_primes(task->from, task->to);
    task->end = bine_now();

    /* relaxed: only the numbers matter; starting a task hands over what it needs. */
    unsigned next = atomic_fetch_add_explicit(&plan->next, 1, memory_order_relaxed);
    if (next >= plan->count)
        return;
    int error = bine_go(run_task, plan, next); /* in the same pool as we are */
    if (error)
        die("cannot start a task", -error);
}

/* Runs all tasks and returns when the last one has ended. */
static void run_plan(struct plan *plan)
{
    bine_pool_options options = {.name = "primes", .workers = plan->workers};
    int error = bine_pool_open(&plan->pool, &options);
    if (error)
        die("cannot open a pool", -error);

    unsigned at_once = plan->workers < plan->count ? plan->workers : plan->count;
    plan->next = at_once;
    for (unsigned i = 0; i < at_once && !error; i++)
        error = bine_pool_go(plan->pool, run_task, plan, i);
    if (error)
        die("cannot start a task", -error);

    bine_pool_wait(plan->pool);
    bine_pool_close(plan->pool);
}

/* Cuts the numbers below LIMIT into ranges, as uneven as the digits of pi. */
static void cut_ranges(struct task *tasks, unsigned count)
{
    static const unsigned sizes[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3};
    enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
    uint64_t total = 0, sum = 0;
    for (unsigned i = 0; i < count; i++)
        total += sizes[i % SIZES];
    for (unsigned i = 0; i < count; i++) {
        tasks[i].from = (uint32_t)(LIMIT * sum / total);
        sum += sizes[i % SIZES];
        tasks[i].to = (uint32_t)(LIMIT * sum / total);
    }
}

/* --- the results --- */

/* Processor time that the process has used, all threads together. */
static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double milliseconds(bine_time span)
{
    return (double)span / 1e6;
}

/* Counts time from the start of the first task. */
static void start_at_zero(struct plan *plan)
{
    bine_time first = plan->tasks[0].start;
    for (unsigned i = 1; i < plan->count; i++)
        if (plan->tasks[i].start < first)
            first = plan->tasks[i].start;
    for (unsigned i = 0; i < plan->count; i++) {
        plan->tasks[i].start -= first;
        plan->tasks[i].end -= first;
    }
}

static bine_time last_end(const struct plan *plan)
{
    bine_time last = 1; /* ns; not 0, for it is divided by */
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->tasks[i].end > last)
            last = plan->tasks[i].end;
    return last;
}

static int compare_starts(const void *a, const void *b)
{
    bine_time first = (*(struct task *const *)a)->start, second = (*(struct task *const *)b)->start;
    return (first > second) - (first < second);
}

/*
 * A spare worker has the number of the one that it stands in for. So a task that starts on a number
 * whose task has not ended runs on a spare: give it one of the numbers after the workers'.
 */
static void give_spares_numbers(struct plan *plan)
{
    struct task **by_start = calloc(plan->count, sizeof(struct task *));
    bine_time *ends = calloc(plan->workers + plan->count, sizeof(bine_time)); /* by worker */
    if (!by_start || !ends)
        die("results", ENOMEM);
    for (unsigned i = 0; i < plan->count; i++)
        by_start[i] = &plan->tasks[i];
    qsort(by_start, plan->count, sizeof(*by_start), compare_starts);
    for (unsigned i = 0; i < plan->count; i++) {
        struct task *task = by_start[i];
        if (ends[task->worker] > task->start)
            for (task->worker = plan->workers; ends[task->worker] > task->start; task->worker++)
                continue;
        ends[task->worker] = task->end;
    }
    free(ends);
    free(by_start);
}

/* The lines of the picture: the pool's workers, and the spare ones that ran a task. */
static unsigned count_lanes(const struct plan *plan)
{
    unsigned lanes = plan->workers;
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->tasks[i].worker >= lanes)
            lanes = plan->tasks[i].worker + 1;
    return lanes;
}

static const char *lane_kind(const struct plan *plan, unsigned lane)
{
    return lane < plan->workers ? "worker" : "spare";
}

static void print_results(const struct plan *plan, double processors)
{
    unsigned primes = 0;
    printf("task      from        to   primes  worker      start         end\n");
    for (unsigned i = 0; i < plan->count; i++) {
        const struct task *task = &plan->tasks[i];
        printf("%4u  %8u  %8u  %7u  %6u  %6.1f ms   %6.1f ms\n", i + 1, task->from, task->to - 1,
               task->primes, task->worker, milliseconds(task->start), milliseconds(task->end));
        primes += task->primes;
    }
    printf("\n%u primes below %d, found by %u tasks on %u workers in %.1f ms,\n"
           "with %.2f processors busy on average\n\n",
           primes, LIMIT, plan->count, plan->workers, milliseconds(last_end(plan)), processors);
}

/* --- the picture in the terminal --- */

enum { MARGIN = 11, NARROWEST = 20, WIDEST = 240, USUAL = 80, IDLE = -1 };

static int terminal_columns(void)
{
    struct winsize size;
    int columns = USUAL;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    columns = columns < MARGIN + NARROWEST ? MARGIN + NARROWEST : columns;
    return columns > WIDEST ? WIDEST : columns;
}

/* As https://no-color.org asks: NO_COLOR counts unless it is empty. */
static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
}

static void print_repeated(char c, int times)
{
    for (int i = 0; i < times; i++)
        putchar(c);
}

/* Draws a task over `width` columns, its number in the middle where that fits. */
static void print_task(int index, int width, bool colour)
{
    char label[16];
    int length = snprintf(label, sizeof(label), "%d", index + 1);
    bool framed = !colour && width >= length + 2;
    int inside = framed ? width - 2 : width;
    if (length > inside)
        length = snprintf(label, sizeof(label), "%s", colour ? "" : "#");
    int before = (inside - length) / 2;

    if (colour)
        printf("\033[30;4%dm", 1 + index % 6); /* black on red, green, ... cyan */
    if (framed)
        putchar('[');
    print_repeated(colour ? ' ' : '=', before);
    fputs(label, stdout);
    print_repeated(colour ? ' ' : '=', inside - before - length);
    if (framed)
        putchar(']');
    if (colour)
        fputs("\033[0m", stdout);
}

/* Puts into each column the index of the task that ran then, or IDLE. A task has at least one. */
static void fill_columns(const struct plan *plan, unsigned lane, int *columns, int width)
{
    double per_ns = width / (double)last_end(plan);
    for (int i = 0; i < width; i++)
        columns[i] = IDLE;
    for (unsigned i = 0; i < plan->count; i++) {
        if (plan->tasks[i].worker != lane)
            continue;
        int first = (int)((double)plan->tasks[i].start * per_ns);
        int end = (int)((double)plan->tasks[i].end * per_ns);
        first = first < width ? first : width - 1;
        end = end > first ? end : first + 1;
        for (int column = first; column < end && column < width; column++)
            columns[column] = (int)i;
    }
}

static void print_lane(const struct plan *plan, unsigned lane, int width, bool colour)
{
    int columns[WIDEST];
    fill_columns(plan, lane, columns, width);
    printf("%-6s %3u ", lane_kind(plan, lane), lane);
    for (int first = 0, end; first < width; first = end) {
        for (end = first + 1; end < width && columns[end] == columns[first]; end++)
            continue;
        if (columns[first] == IDLE)
            print_repeated(colour ? ' ' : '.', end - first);
        else
            print_task(columns[first], end - first, colour);
    }
    putchar('\n');
}

static void print_timeline(const struct plan *plan)
{
    int width = terminal_columns() - MARGIN;
    bool colour = wants_colour();
    char end[32];
    snprintf(end, sizeof(end), "%.0f ms", milliseconds(last_end(plan)));
    printf("%*s0%*s\n", MARGIN, "", width - 1, end);
    for (unsigned lane = 0; lane < count_lanes(plan); lane++)
        print_lane(plan, lane, width, colour);
}

/* --- the picture in a file --- */

enum { SVG_LEFT = 90, SVG_TOP = 50, SVG_WIDTH = 900, SVG_LANE = 34, SVG_BAR = 26, SVG_STEPS = 5 };

static void write_scale(FILE *svg, double end_ms, unsigned lanes)
{
    for (int i = 0; i <= SVG_STEPS; i++) {
        int x = SVG_LEFT + i * SVG_WIDTH / SVG_STEPS;
        fprintf(svg, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>\n", x,
                SVG_TOP - 6, x, SVG_TOP + (int)lanes * SVG_LANE);
        fprintf(svg,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#666\">%.0f ms</text>\n", x,
                SVG_TOP - 12, end_ms * i / SVG_STEPS);
    }
}

static void write_task(FILE *svg, unsigned index, const struct task *task, double per_ns)
{
    static const char *const colours[] = {"#f4a3a0", "#a8d5a2", "#f5d487", "#a3bff0",
                                          "#dba8e0", "#9fdcdc", "#f6b98a", "#c4c4c4"};
    double x = SVG_LEFT + (double)task->start * per_ns;
    double width = (double)(task->end - task->start) * per_ns;
    int y = SVG_TOP + (int)task->worker * SVG_LANE;
    const char *colour = colours[index % (sizeof(colours) / sizeof(colours[0]))];
    fprintf(svg,
            "<rect class=\"task\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" rx=\"3\" "
            "fill=\"%s\" stroke=\"#444\" stroke-width=\"0.5\"><title>task %u: "
            "%u primes from %u to %u, %.1f to %.1f ms</title></rect>\n",
            x, y, width, SVG_BAR, colour, index + 1, task->primes, task->from, task->to - 1,
            milliseconds(task->start), milliseconds(task->end));
    if (width > 24)
        fprintf(svg, "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\">%u</text>\n", x + width / 2,
                y + SVG_BAR - 8, index + 1);
}

static void write_svg(FILE *svg, const struct plan *plan)
{
    bine_time end = last_end(plan);
    unsigned lanes = count_lanes(plan);
    int width = SVG_LEFT + SVG_WIDTH + 40, height = SVG_TOP + (int)lanes * SVG_LANE + 10;
    fprintf(svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text x=\"10\" y=\"18\" font-weight=\"bold\">%u tasks on %u workers</text>\n",
            width, height, width, height, plan->count, plan->workers);
    write_scale(svg, milliseconds(end), lanes);
    for (unsigned lane = 0; lane < lanes; lane++)
        fprintf(svg, "<text x=\"10\" y=\"%d\">%s %u</text>\n",
                SVG_TOP + (int)lane * SVG_LANE + SVG_BAR - 8, lane_kind(plan, lane), lane);
    for (unsigned i = 0; i < plan->count; i++)
        write_task(svg, i, &plan->tasks[i], SVG_WIDTH / (double)end);
    fprintf(svg, "</svg>\n");
}

/* --- the command line --- */

static const char usage[] =
    "Usage: pool [--tasks N] [--workers N] [--svg FILE]\n"
    "Finds the primes below 10000000 in 10 tasks on 4 workers, each task run by whichever\n"
    "worker is free, and draws which worker ran which task when.\n"
    "\n"
    "  --tasks N    this many tasks, 1 to 10000\n"
    "  --workers N  on this many workers, 1 to 256\n"
    "  --svg FILE   draws the picture into FILE, too\n"
    "  --help       prints this\n"
    "\n"
    "The picture has colour on a terminal, unless NO_COLOR is set.\n";

static void refuse(const char *what, const char *argument)
{
    fprintf(stderr, "pool: %s: '%s' (try --help)\n", what, argument);
    exit(2);
}

static unsigned parse_count(const char *text, unsigned most, const char *complaint)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > (long)most)
        refuse(complaint, text);
    return (unsigned)value;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"tasks", required_argument, NULL, 't'},
        {"workers", required_argument, NULL, 'w'},
        {"svg", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.tasks = 10, .workers = 4};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 't':
            options.tasks = parse_count(optarg, MOST_TASKS, "--tasks takes 1 to 10000, not");
            break;
        case 'w':
            options.workers = parse_count(optarg, MOST_WORKERS, "--workers takes 1 to 256, not");
            break;
        case 's':
            options.svg_path = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long has said what is wrong */
            exit(2);
        }
    }
    if (optind < argc)
        refuse("unexpected argument", argv[optind]);
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    FILE *svg = NULL;
    if (options.svg_path && !(svg = fopen(options.svg_path, "w")))
        die(options.svg_path, errno);

    struct plan plan = {.count = options.tasks, .workers = options.workers};
    plan.tasks = calloc(plan.count, sizeof(*plan.tasks));
    if (!plan.tasks)
        die("tasks", ENOMEM);
    cut_ranges(plan.tasks, plan.count);

    bine_time began = bine_now();
    double used = processor_seconds();
    run_plan(&plan);
    used = processor_seconds() - used;
    double processors = used / ((double)(bine_now() - began) / 1e9);
    start_at_zero(&plan);
    give_spares_numbers(&plan);

    print_results(&plan, processors);
    print_timeline(&plan);
    finish(stdout, "standard output");
    if (svg) {
        write_svg(svg, &plan);
        finish(svg, options.svg_path);
        fclose(svg);
    }
    free(plan.tasks);
    return 0;
}
