/*
 * The standard descriptors of a process can be pipes, read and written by tasks at once, null, a
 * file, or each other; and what is larger than a pipe's buffer comes through unchanged.
 */
#include "test.h"
#include <bine/io.h>
#include <bine/process.h>
#include <fcntl.h>

enum { SIZE = 1 << 20 };

static char byte_at(size_t at)
{
    return (char)(at * 7 + at / 251);
}

static void feed(int fd)
{
    char *data = malloc(SIZE);
    CHECK(data);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = byte_at(i);
    CHECK_EQ(bine_write_full(fd, data, SIZE), 0);
    CHECK_EQ(bine_close(fd), 0);
    free(data);
}

static void check_through_cat(void)
{
    bine_process process;
    char *data = malloc(SIZE + 1);
    CHECK(data);
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("cat"),
                                BINE_PROCESS_OPTIONS(.input = BINE_PIPE, .output = BINE_PIPE)),
             0);
    CHECK(process.input >= 0 && process.output >= 0 && process.error == -1);
    bine_future(void) feeder = bine_async(feed, process.input);
    CHECK(feeder);
    CHECK_EQ(bine_read_full(process.output, data, SIZE + 1), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        CHECK(data[i] == byte_at(i));
    bine_await(feeder);
    CHECK_EQ(bine_close(process.output), 0);
    CHECK_EQ(bine_process_wait(&process, NULL), 0);
    free(data);
}

/* Runs the script and checks what comes out of a pipe. */
static void expect(const char *script, bine_process_options options, const char *expected)
{
    bine_process process;
    char data[256] = {0};
    int status;
    CHECK_EQ(bine_process_start(&process, BINE_ARGV("sh", "-c", (char *)script), &options), 0);
    int fd = options.output == BINE_PIPE ? process.output : process.error;
    CHECK_EQ(bine_read_full(fd, data, sizeof data), strlen(expected));
    CHECK(strcmp(data, expected) == 0);
    CHECK_EQ(bine_close(fd), 0);
    CHECK_EQ(bine_process_wait(&process, &status), 0);
    CHECK_EQ(status, 0);
}

static void check_kinds(void)
{
    char path[] = "/tmp/bine-test-XXXXXX";
    int file = mkostemp(path, O_CLOEXEC);
    CHECK(file > 2);
    CHECK_EQ(unlink(path), 0);
    expect("echo out; echo error >&2",
           (bine_process_options){.output = BINE_PIPE, .error = BINE_MERGE}, "out\nerror\n");
    expect("echo out; echo error >&2",
           (bine_process_options){.output = BINE_PIPE, .error = BINE_NULL}, "out\n");
    expect("echo out; echo error >&2",
           (bine_process_options){.output = BINE_NULL, .error = BINE_PIPE}, "error\n");
    expect("cat; echo end", (bine_process_options){.input = BINE_NULL, .output = BINE_PIPE},
           "end\n");
    expect("echo to file >&2; echo end",
           (bine_process_options){.output = BINE_PIPE, .error = file}, "end\n");
    CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
    expect("cat", (bine_process_options){.input = file, .output = BINE_PIPE}, "to file\n");
    close(file);
}

/* With its own descriptors closed, the pipes take the lowest numbers, and must not get mixed up. */
static void check_low_numbers(void)
{
    int saved[3];
    for (int i = 0; i < 3; i++)
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
        close(i);
    bine_process process;
    char data[64] = {0};
    int error = bine_process_start(
        &process, BINE_ARGV("sh", "-c", "read line; echo out $line; echo error $line >&2"),
        BINE_PROCESS_OPTIONS(.input = BINE_PIPE, .output = BINE_PIPE, .error = BINE_PIPE));
    ssize_t written = bine_write(process.input, "x\n", 2);
    ssize_t size = bine_read_full(process.output, data, sizeof data);
    ssize_t error_size = bine_read_full(process.error, data + size, sizeof data - (size_t)size);
    int status = -1, waited = bine_process_wait(&process, &status);
    bine_close(process.input);
    bine_close(process.output);
    bine_close(process.error);
    for (int i = 0; i < 3; i++)
        if (saved[i] >= 0)
            dup2(saved[i], i);
    CHECK_EQ(error, 0);
    CHECK_EQ(written, 2);
    CHECK_EQ(size, 6);
    CHECK_EQ(error_size, 8);
    CHECK(strcmp(data, "out x\nerror x\n") == 0);
    CHECK_EQ(waited, 0);
    CHECK_EQ(status, 0);
}

static void check_all(void)
{
    check_through_cat();
    check_kinds();
}

int main(void)
{
    check_low_numbers();
    check_all();
    bine_await(bine_async(check_all));
    return 0;
}
