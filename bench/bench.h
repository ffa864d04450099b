/* What the rows share: how they are listed, checked and measured. peers/ROWS.md defines them. */
#ifndef BINE_BENCH_H
#define BINE_BENCH_H

#include <bine.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kind {
    IN_TASK,   /* run() is called as a task */
    ON_THREAD, /* run() is called on the main thread: it starts processes, or is the plain thread
                  of its row */
    SPEED_UP,  /* run() is called as a task of processes with 1 and with WORKERS workers; the row's
                  value is the quotient of what it returned there */
};

struct row {
    const char *name;
    const char *unit;
    double (*run)(void); /* does the work once, checks its result and returns the row's value */
    enum kind kind;
    double (*p99)(void); /* NULL, or the 99th percentile of the last run in us, which is reported
                            as a row of its own, NAME_p99 */
};

/* The rows, by file. */
double row_spawn_join(void);
double row_burst(void);
double row_yield(void);
double row_yield_10k(void);
double row_pingpong(void);
double row_pingpong_pairs(void);
double row_chan_buf(void);
double row_chan_mpmc(void);
double row_chan_contended(void);
double row_select(void);
double row_skynet(void);
double row_ring(void);
double row_prime_sieve(void);
double row_pipe_1000(void);
double row_pipe_100(void);
double row_pipe_10(void);
double row_pipe4_10(void);
double row_mutex(void);
double row_mutex_contended(void);
double row_fib(void);
double row_nqueens(void);
double row_matmul(void);
double row_reduce(void);
double row_sleepers(void);
double row_sleepers_cpu(void);
double row_parked_mem(void);
double row_parked_mem_10k(void);
double row_wake(void);
double row_wake_p99(void);
double row_stall(void);
double row_hog(void);
double row_startup(void);
double row_burst20(void);
double row_serve(void);
double serve_p99(void);

/* What rows start as processes of their own, with the arguments after WORKERS. */
void once_parked(char **args);
void once_startup(char **args);

/* Servers for the net rows; args: PORT. They end when they are killed. */
void serve_echo(char **args);
void serve_http(char **args);

/* --- net.c --- */

/* The net rows are run by the load generator, which starts this program as the server. */
void net_list_rows(void);
bool net_has_row(const char *name);
_Noreturn void net_run_row(const char *name, const char *workers);

/* Starts `serve` as a task for each connection to the port. */
_Noreturn void net_serve(const char *port, void (*serve)(int fd));

/* WORKERS from the command line. */
extern unsigned bench_workers;

/* --- measure.c --- */

/* Ends the program with the message. */
_Noreturn void fail(const char *what);

/* Inline, because rows check inside what they time. */
static inline void check(bool ok, const char *what)
{
    if (!ok)
        fail(what);
}

/* Nanoseconds on the monotonic clock, read past bine. */
int64_t now_ns(void);
double ns_since(int64_t start);
double ms_since(int64_t start);

/* Blocks the thread, not the task. */
void thread_sleep(int64_t ns);

/* The value below which the share q of them lies; sorts them. count > 0. */
double quantile(double *values, size_t count, double q);

/* A number greater than 0, the same sequence in every program; *state starts as RANDOM_SEED. */
#define RANDOM_SEED UINT64_C(88172645463325252)
uint64_t next_random(uint64_t *state);

/* Computes for that many turns; returns a number that depends on every one of them. */
uint64_t spin(long turns);

/* How many turns take us microseconds on an idle processor. */
long spin_turns(double us);

/* Turns per millisecond: measured at the first use, unless it was set before. */
long spin_speed(void);
void spin_set_speed(long turns_per_ms);

/* --- child.c --- */

/* Runs this program again as `MODE WORKERS ARGS...` and waits for it; it must succeed.
 * args: ends with NULL, at most 4 before it. */
void child_run(const char *mode, unsigned workers, const char *const *args);

/* The same, and returns the number it prints. */
double child_number(const char *mode, unsigned workers, const char *const *args);

#endif
