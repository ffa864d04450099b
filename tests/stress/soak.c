/*
 * A server that lives long: connections that ask, are reset or fall silent, timers, cancellations,
 * programs that are started, tasks of every fate, day in, day out. At the end of it all, memory,
 * descriptors, threads and tasks are what they were after the first tenth of the time.
 */
#include "../test_support/net.h"
#include "../test_support/process.h"
#include "../test_support/storm.h"
#include <bine/process.h>
#include <bine/scope.h>

enum {
    ACTORS = 12,
    MOST_BYTES = 16000,
    PARTS = 10,             /* the first of them is to fill the caches */
    GROWN_KIB = 8 << 10,    /* what malloc may keep for itself */
    GROWN = 64,             /* threads that were not needed before, and a descriptor of each */
};

static char address[64];
static _Atomic long accepted, served, asked, resets, silent, programs, cancelled;
static _Atomic bool over;
static bine_event never;

/* --- the server --- */

/* A client that is silent for long is left. */
static void serve(int fd)
{
    char buffer[2048];
    ssize_t size = 0;
    do {
        BINE_WITHIN (BINE_MS(50))
            size = bine_read(fd, buffer, sizeof buffer);
        silent += size == -ETIMEDOUT;
    } while (size > 0 && bine_write_full(fd, buffer, (size_t)size) == 0);
    CHECK_EQ(bine_close(fd), 0);
    served++;
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = bine_accept(listener)) != -EBADF) {
        if (fd < 0)
            continue; /* reset before it was accepted */
        accepted++;
        CHECK_EQ(bine_go(serve, fd), 0);
    }
}

/* --- what happens --- */

static int dial(void)
{
    int fd = bine_dial(address);
    CHECK(fd >= 0);
    return fd;
}

/* An answer that does not come, where the processor is busy with others: the server was told that
 * we are silent. */
static void ask(uint64_t *state)
{
    char data[MOST_BYTES], got[MOST_BYTES];
    size_t size = 1 + test_random_below(state, test_random_below(state, 4) ? 2000 : MOST_BYTES);
    int fd = dial();
    memset(data, (int)test_random(state), size);
    if (bine_write_full(fd, data, size) == 0 && shutdown(fd, SHUT_WR) == 0 &&
        bine_read_full(fd, got, size) == (ssize_t)size) {
        CHECK(memcmp(data, got, size) == 0);
        asked++;
    }
    CHECK_EQ(bine_close(fd), 0);
}

static void reset(uint64_t *state)
{
    static const char data[MOST_BYTES];
    int fd = dial();
    (void)!send(fd, data, test_random_below(state, sizeof data), MSG_DONTWAIT | MSG_NOSIGNAL);
    storm_shift(state);
    net_reset(fd);
    resets++;
}

static void be_silent(void)
{
    char byte;
    int fd = dial();
    CHECK_EQ(bine_read(fd, &byte, 1), 0); /* until the server has had enough */
    CHECK_EQ(bine_close(fd), 0);
}

static void run_program(void)
{
    bine_process process;
    int status;
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("true"), NULL), 0);
    CHECK_EQ(bine_process_wait(&process, &status), 0);
    CHECK_EQ(status, 0);
    programs++;
}

static int wait_in_vain(int how)
{
    char byte;
    if (how == 0)
        return bine_event_wait(&never);
    if (how == 1)
        return bine_sleep(BINE_S(1000));
    int fd = bine_dial(address);
    if (fd < 0)
        return fd;
    int result = (int)bine_read(fd, &byte, 1);
    CHECK_EQ(bine_close(fd), 0);
    return result;
}

static void cancel_one(uint64_t *state)
{
    bine_future(int) waiter = bine_async(wait_in_vain, (int)test_random_below(state, 3));
    CHECK(waiter);
    storm_shift(state);
    bine_cancel(waiter);
    int result = bine_await(waiter);
    CHECK(result == -ECANCELED || result == 0);
    cancelled++;
}

static void time_out(uint64_t *state)
{
    int result = 0, started = 0;
    BINE_SCOPE (several, bine_after((bine_time)test_random_below(state, 2000000)), &result) {
        while (started < 4 && bine_scope_go(&several, bine_event_wait, &never) == 0)
            started++;
    }
    CHECK(result == -ETIMEDOUT || started == 0);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!over)
        switch (test_random_below(&state, 64)) {
        case 0:
            run_program();
            break;
        case 1:
            be_silent();
            break;
        case 2:
        case 3:
        case 4:
            reset(&state);
            break;
        case 5:
        case 6:
        case 7:
            time_out(&state);
            break;
        case 8:
            CHECK_EQ(bine_sleep((bine_time)test_random_below(&state, 3000000)), 0);
            break;
        default:
            test_random_below(&state, 3) ? ask(&state) : cancel_one(&state);
        }
}

/* --- what is left of it --- */

struct footprint {
    long kib;
    int descriptors, threads;
};

static bool is_quiet(uint32_t tasks)
{
    bine_stats stats;
    bine_stats_get(&stats, sizeof stats);
    return accepted == served && stats.started - stats.ended == tasks;
}

/* Lets all actors act for a while. What there is afterwards, when only `tasks` tasks are left. */
static struct footprint live(bine_time span, uint32_t tasks)
{
    over = false;
    crowd_start_tasks(act, ACTORS);
    usleep((useconds_t)(span / 1000));
    over = true;
    crowd_join();
    EVENTUALLY(is_quiet(tasks));
    return (struct footprint){process_read_kib("/proc/self/status", "VmRSS"),
                              process_descriptors(), process_threads()};
}

int main(int argc, char **argv)
{
    struct test_options options = test_read_options(argc, argv);
    struct footprint first, last;
    bine_time part = BINE_S(options.seconds) / PARTS;
    storm.seed = options.seed;
    int listener = net_listen(address);
    bine_future(void) server = bine_async(accept_all, listener);
    CHECK(server);
    first = live(part, 1);
    for (int i = 1; i < PARTS; i++) {
        storm.seed++;
        last = live(part, 1);
    }
    printf("%ld answers, %ld resets, %ld silent, %ld programs, %ld cancelled;\n"
           "%ld KiB then and %ld now, %d descriptors and %d, %d threads and %d\n",
           (long)asked, (long)resets, (long)silent, (long)programs, (long)cancelled, first.kib,
           last.kib, first.descriptors, last.descriptors, first.threads, last.threads);
    CHECK(asked > 0 && resets > 0 && cancelled > 0);
    CHECK(TEST_SANITIZED || last.kib < first.kib + GROWN_KIB);
    CHECK(last.descriptors < first.descriptors + GROWN);
    CHECK(last.threads < first.threads + GROWN);
    CHECK_EQ(bine_close(listener), 0);
    bine_await(server);
    return 0;
}
