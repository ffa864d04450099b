/* How late things happen: wake, wake_p99, stall, hog, startup. */
#include "bench.h"
#include <pthread.h>
#include <unistd.h>

/* --- wake, wake_p99 --- */

/* One question at a time; whoever sets an event has written what the other side reads. */
struct dialog {
    bine_event asked;
    bine_event answered;
    int question; /* STOP ends the dialog */
    int answer;
};
enum { STOP = -1 };

static void answer_all(struct dialog *dialog)
{
    for (;;) {
        bine_event_wait(&dialog->asked);
        bine_event_clear(&dialog->asked);
        if (dialog->question == STOP)
            return;
        dialog->answer = dialog->question + 1;
        bine_event_set(&dialog->answered);
    }
}

/* Returns the microseconds until the answer. */
static double ask(struct dialog *dialog, int question)
{
    int64_t start = now_ns();
    dialog->question = question;
    bine_event_set(&dialog->asked);
    bine_event_wait(&dialog->answered);
    double took = ns_since(start) / 1e3;
    bine_event_clear(&dialog->answered);
    check(dialog->answer == question + 1, "wake: wrong answer");
    return took;
}

static double wake_run(double q)
{
    enum { QUESTIONS = 20000, PAUSE_NS = 200000 };
    static double took[QUESTIONS];
    struct dialog dialog = {0};
    bine_future(void) answerer = bine_async(answer_all, &dialog);
    for (int i = 0; i < QUESTIONS; i++) {
        thread_sleep(PAUSE_NS);
        took[i] = ask(&dialog, i);
    }
    dialog.question = STOP;
    bine_event_set(&dialog.asked);
    bine_await(answerer);
    return quantile(took, QUESTIONS, q);
}

double row_wake(void)
{
    return wake_run(0.50);
}

double row_wake_p99(void)
{
    return wake_run(0.99);
}

/* --- stall, hog --- */

/* Sleeps 1 ms at a time for 1 s; returns the worst lateness in ms. */
static double tick(void)
{
    double worst = 0;
    for (int64_t begin = now_ns(); ms_since(begin) < 1000;) {
        int64_t start = now_ns();
        check(bine_sleep(BINE_MS(1)) == 0, "ticker: sleep failed");
        double late = ms_since(start) - 1;
        if (late > worst)
            worst = late;
    }
    return worst;
}

static void run_and_count(void (*disturb)(void), bine_waitgroup *group)
{
    disturb();
    bine_waitgroup_done(group);
}

/* Returns the ticker's worst lateness while `tasks` tasks disturb it from 100 ms on. */
static double worst_tick(unsigned tasks, void (*disturb)(void))
{
    bine_waitgroup group = {0};
    bine_future(double) ticker = bine_async(tick);
    bine_sleep(BINE_MS(100));
    bine_waitgroup_add(&group, tasks);
    for (unsigned i = 0; i < tasks; i++)
        check(bine_go(run_and_count, disturb, &group) == 0, "ticker: cannot start a task");
    bine_waitgroup_wait(&group);
    return bine_await(ticker);
}

static void *fill_pipe(void *end)
{
    thread_sleep(200000000);
    check(write(*(const int *)end, "x", 1) == 1, "stall: write failed");
    return NULL;
}

/* Blocks its worker, as the row asks, without bine_block_begin(). */
static void read_pipe(void)
{
    int fd[2];
    char byte;
    pthread_t filler;
    check(pipe(fd) == 0, "pipe");
    check(pthread_create(&filler, NULL, fill_pipe, &fd[1]) == 0, "stall: cannot start a thread");
    check(read(fd[0], &byte, 1) == 1, "stall: read failed");
    pthread_join(filler, NULL);
    close(fd[0]);
    close(fd[1]);
}

double row_stall(void)
{
    return worst_tick(bench_workers * 4, read_pipe);
}

static void compute(void)
{
    check(spin(spin_turns(300e3)) != 0, "hog: wrong state");
}

double row_hog(void)
{
    spin_speed(); /* measured here, before there is anything to disturb */
    return worst_tick(bench_workers, compute);
}

/* --- startup --- */

static void do_nothing(void)
{
}

void once_startup(char **args)
{
    (void)args;
    bine_await(bine_async(do_nothing));
}

double row_startup(void)
{
    enum { STARTS = 200 };
    double took[STARTS];
    for (int i = 0; i < STARTS; i++) {
        int64_t start = now_ns();
        child_run("once-startup", bench_workers, (const char *const[]){NULL});
        took[i] = ns_since(start) / 1e3;
    }
    return quantile(took, STARTS, 0.5);
}
