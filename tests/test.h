/*
 * What every test shares: checks that end the process, a watchdog, seeds and sizes.
 *
 * A test is one source file, so everything here is static. A failed check may happen on a task's
 * stack: it writes its message and ends the process there, and never jumps. Nothing waits for a
 * result by sleeping: EVENTUALLY() looks again until it holds, and the watchdog ends a test that
 * waits in vain, after it has shown what the tasks are doing.
 *
 * Environment: TEST_TIMEOUT (seconds), TEST_SEED, and BINE_WORKERS, which the runner sets.
 * Readable by C++, so no _Atomic and none of the typed macros.
 */
#ifndef BINE_TEST_H
#define BINE_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <bine/base.h>
#include <bine/diag.h>
#include <bine/pool.h>
#include <bine/sync.h>
#include <bine/task.h>
#include <bine/time.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

#if defined(__SANITIZE_THREAD__)
#define TEST_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_THREAD_SANITIZED 1
#endif
#endif
#ifndef TEST_THREAD_SANITIZED
#define TEST_THREAD_SANITIZED 0
#endif

/* --- checks --- */

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, "check failed: " #condition))

/* Two integers; a failure shows both. */
#define CHECK_EQ(actual, expected)                                                                 \
    test_check_eq(__FILE__, __LINE__, #actual " == " #expected, (long long)(actual),               \
                  (long long)(expected))

__attribute__((noreturn)) static inline void test_fail(const char *file, int line,
                                                       const char *message)
{
    const char *workers = getenv("BINE_WORKERS");
    dprintf(2, "%s:%d: %s (task %" PRIu64 ", worker %d of %s)\n", file, line, message, bine_id(),
            bine_worker(), workers ? workers : "the default number");
    _exit(1);
}

static inline void test_check_eq(const char *file, int line, const char *text, long long actual,
                                 long long expected)
{
    char message[256];
    if (actual == expected)
        return;
    snprintf(message, sizeof(message), "check failed: %s: %lld is not %lld", text, actual,
             expected);
    test_fail(file, line, message);
}

static inline const char *test_name(void)
{
    return program_invocation_short_name;
}

/* Ends the test as passed where the machine or the build cannot show the property. */
__attribute__((noreturn)) static inline void test_skip(const char *why)
{
    printf("%s: skipped: %s\n", test_name(), why);
    exit(0);
}

/* --- watchdog --- */

enum {
    TEST_TIMEOUT_S = TEST_SANITIZED ? 300 : 60,
    TEST_DUMP_TIMEOUT_S = 20, /* for a dump that hangs, too */
};

static int64_t test_watchdog_end; /* CLOCK_MONOTONIC, seconds; atomic */

static inline int64_t test_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Gives the test this many seconds from now. */
static inline void test_set_timeout(int seconds)
{
    __atomic_store_n(&test_watchdog_end, test_clock_s() + seconds, __ATOMIC_SEQ_CST);
}

static inline void *test_watch(void *unused)
{
    sigset_t alarm_only;
    while (test_clock_s() < __atomic_load_n(&test_watchdog_end, __ATOMIC_SEQ_CST))
        usleep(500000);
    dprintf(2, "%s: not done in time; this is what its tasks do:\n", test_name());
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    signal(SIGALRM, SIG_DFL);
    alarm(TEST_DUMP_TIMEOUT_S);
    bine_dump(2);
    abort();
    return unused;
}

/* Runs before main; a forked child that does not exec calls it again. */
__attribute__((constructor)) static inline void test_start_watchdog(void)
{
    const char *timeout = getenv("TEST_TIMEOUT");
    pthread_t thread;
    sigset_t all, before;
    test_set_timeout(timeout ? atoi(timeout) : TEST_TIMEOUT_S);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, test_watch, NULL) == 0)
        pthread_detach(thread);
    else
        dprintf(2, "%s: runs without a watchdog\n", test_name());
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- waiting and sizes --- */

/* Waits until the condition holds, however long it takes. In tasks and plain threads. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        while (!(condition))                                                                       \
            test_pause();                                                                          \
    } while (0)

static inline void test_pause(void)
{
    if (!bine_id())
        usleep(100);
    else if (bine_sleep(BINE_US(100)) != 0)
        bine_yield();
}

/* Waits until `count` tasks of the process wait. A task may be counted a moment before it stands in
 * its line, so this gives it that moment: it makes the race likely, no check leans on it. */
static inline void test_until_parked(unsigned count)
{
    bine_stats stats;
    do {
        test_pause();
        bine_stats_get(&stats, sizeof(stats));
    } while (stats.parked_tasks < count);
    usleep(10000);
}

/* A number of repetitions, less under the sanitizers. */
static inline int test_scaled(int count)
{
    return TEST_SANITIZED ? (count + 19) / 20 : count;
}

/* The number of workers that the runner asked for, or 0. */
static inline int test_workers_wanted(void)
{
    const char *workers = getenv("BINE_WORKERS");
    return workers ? atoi(workers) : 0;
}

/* --- plain threads --- */

static inline pthread_t test_thread(void *(*fn)(void *), void *arg)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

static inline void test_join(pthread_t thread)
{
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* --- chance --- */

struct test_options {
    uint64_t seed;
    int seconds; /* how long a stress test runs */
};

/* Reads --seed N and --seconds N, prints the seed, and gives the watchdog the time asked for. */
static inline struct test_options test_read_options(int argc, char **argv)
{
    const char *seed = getenv("TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct test_options options = {(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, 5};
    if (seed)
        options.seed = strtoull(seed, NULL, 0);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0)
            options.seed = strtoull(argv[i + 1], NULL, 0);
        if (strcmp(argv[i], "--seconds") == 0) {
            options.seconds = atoi(argv[i + 1]);
            test_set_timeout(options.seconds + TEST_TIMEOUT_S);
        }
    }
    printf("%s: seed %" PRIu64 "\n", test_name(), options.seed);
    fflush(stdout);
    return options;
}

/* The next of a row of random numbers (splitmix64); the state starts as any seed. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* 0 .. limit - 1. */
static inline uint64_t test_random_below(uint64_t *state, uint64_t limit)
{
    return test_random(state) % limit;
}

/* Computes without a call into bine or the kernel. */
static inline void test_spin(unsigned rounds)
{
    for (volatile unsigned i = 0; i < rounds; i++)
        ;
}

#endif
