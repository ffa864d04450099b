/*
 * A program that a task starts has the signal mask, the ignored signals and the timer slack of the
 * program's own threads, its arguments, environment and directory, and no descriptors above 2.
 */
#include "test.h"
#include <bine/chan.h>
#include <bine/io.h>
#include <bine/process.h>
#include <bine/signal.h>
#include <fcntl.h>
#include <sys/prctl.h>

enum { SLACK = 123456 };

static char *output_of(const char *script, bine_process_options options)
{
    static char data[4096];
    bine_process process;
    int status;
    options.output = BINE_PIPE;
    memset(data, 0, sizeof data);
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("sh", "-c", (char *)script, "name", "one two"),
                                &options),
             0);
    CHECK(bine_read_full(process.output, data, sizeof data - 1) >= 0);
    CHECK_EQ(bine_close(process.output), 0);
    CHECK_EQ(bine_process_wait(&process, &status), 0);
    CHECK_EQ(status, 0);
    return data;
}

static void expect(const char *script, bine_process_options options, const char *expected)
{
    const char *output = output_of(script, options);
    if (strcmp(output, expected) != 0) {
        fprintf(stderr, "%s: '%s' is not '%s'\n", script, output, expected);
        CHECK(!"the output");
    }
}

/* The line of /proc/self/status as a number. */
static unsigned long long signals_in(const char *line)
{
    char script[64];
    snprintf(script, sizeof script, "exec grep %s: /proc/self/status", line);
    const char *output = output_of(script, (bine_process_options){0});
    return strtoull(strchr(output, ':') + 1, NULL, 16);
}

static unsigned long long bit(int number)
{
    return 1ull << (number - 1);
}

static void check_signals(void)
{
    bine_chan(int) ch = bine_signals((const int[]){SIGUSR1, SIGTERM, SIGHUP}, 3);
    CHECK(ch);
    unsigned long long blocked = signals_in("SigBlk"), ignored = signals_in("SigIgn");
    CHECK(blocked == bit(SIGUSR2)); /* main has masked it before it used bine */
    CHECK(ignored & bit(SIGHUP));   /* main ignored it before the channel took it */
    CHECK(ignored & bit(SIGWINCH));
    CHECK(!(ignored & (bit(SIGUSR1) | bit(SIGTERM))));
    bine_chan_unref(ch);
}

static void check_surroundings(void)
{
    char *environment[] = {"A=first", "PATH=/usr/bin:/bin", "B=second", NULL};
    char script[64];
    int leak = open("/dev/null", O_RDONLY); /* without close-on-exec */
    CHECK(leak > 2);
    snprintf(script, sizeof script, "test -e /proc/self/fd/%d && echo kept", leak);
    expect("echo $0, $1", (bine_process_options){0}, "name, one two\n");
    expect("echo $A-$B-$HOME", (bine_process_options){.environment = environment},
           "first-second-\n");
    expect("pwd", (bine_process_options){.directory = "/usr"}, "/usr\n");
    expect("cat /proc/self/timerslack_ns", (bine_process_options){0}, "123456\n");
    expect("ls /proc/self/fd", (bine_process_options){0}, "0\n1\n2\n3\n"); /* 3 is of ls itself */
    expect(script, (bine_process_options){.keep_descriptors = true}, "kept\n");
    close(leak);
}

static void check_group(void)
{
    bine_process process;
    char data[2];
    int status;
    CHECK_EQ(bine_process_start(
                 &process, BINE_ARGV("sh", "-c", "sleep 100 & echo x; wait"),
                 BINE_PROCESS_OPTIONS(.output = BINE_PIPE, .own_group = true, .input = BINE_NULL)),
             0);
    CHECK_EQ(bine_read_full(process.output, data, 2), 2);
    CHECK_EQ(getpgid(process.pid), process.pid);
    CHECK_EQ(bine_process_kill(&process, SIGTERM), 0);
    CHECK_EQ(bine_read_full(process.output, data, 1), 0); /* the sleeper has let go of it, too */
    CHECK_EQ(bine_close(process.output), 0);
    CHECK_EQ(bine_process_wait(&process, &status), 0);
    CHECK_EQ(status, -SIGTERM);
}

static void check_all(void)
{
    check_signals();
    check_surroundings();
    check_group();
}

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &set, NULL), 0);
    CHECK_EQ(prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0), 0);
    signal(SIGHUP, SIG_IGN);
    signal(SIGWINCH, SIG_IGN);
    bine_await(bine_async(check_all));
    check_all();
    return 0;
}
