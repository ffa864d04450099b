/*
 * Files: read and written whole, at their own position and elsewhere, by many tasks at once; opened
 * without blocking the worker; errors as their namesakes tell them.
 */
#include "test_support/net.h"
#include "test_support/scratch.h"
#include <sys/stat.h>
#include <sys/uio.h>

enum { TASKS = 16, BLOCK = 20000, BIG = TEST_SANITIZED ? 1 << 20 : 8 << 20 };

static char path[80];
static bine_waitgroup group;

static char byte_at(size_t position)
{
    return (char)(position * 13 + position / 997);
}

static void write_block(int fd, int number)
{
    char block[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = byte_at((size_t)number * BLOCK + i);
    CHECK_EQ(bine_pwrite(fd, block, BLOCK, (off_t)number * BLOCK), BLOCK);
    bine_waitgroup_done(&group);
}

static void read_block(int fd, int number)
{
    char block[BLOCK];
    CHECK_EQ(bine_pread(fd, block, BLOCK, (off_t)number * BLOCK), BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        CHECK_EQ(block[i], byte_at((size_t)number * BLOCK + i));
    bine_waitgroup_done(&group);
}

static void run_many(void (*fn)(int, int), int fd)
{
    bine_waitgroup_add(&group, TASKS);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(bine_go(fn, fd, i), 0);
    CHECK_EQ(bine_waitgroup_wait(&group), 0);
}

/* What the page cache does not hold comes from the disk, and is as whole. */
static int read_big(int fd)
{
    char *big = malloc(BIG);
    CHECK(big);
    for (size_t i = 0; i < BIG; i++)
        big[i] = byte_at(i);
    CHECK_EQ(bine_pwrite(fd, big, BIG, 0), BIG);
    CHECK_EQ(bine_fsync(fd), 0);
    CHECK_EQ(posix_fadvise(fd, 4096, BIG / 2, POSIX_FADV_DONTNEED), 0);
    memset(big, 0, BIG);
    CHECK_EQ(bine_pread(fd, big, BIG, 0), BIG);
    for (size_t i = 0; i < BIG; i++)
        CHECK_EQ(big[i], byte_at(i));
    CHECK_EQ(posix_fadvise(fd, 0, BIG, POSIX_FADV_DONTNEED), 0);
    CHECK_EQ(bine_read_full(fd, big, BIG), BIG);
    CHECK_EQ(big[BIG - 1], byte_at(BIG - 1));
    CHECK_EQ(bine_read(fd, big, 10), 0);
    CHECK_EQ(bine_pread(fd, big, 10, BIG - 4), 4);
    free(big);
    return 0;
}

static int gather(void)
{
    char a[3], b[8];
    int fd = bine_open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    struct iovec out[2] = {{"abc", 3}, {"defgh", 5}}, in[2] = {{a, 3}, {b, 8}};
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(bine_writev(fd, out, 2), 8);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(bine_readv(fd, in, 2), 8);
    CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "defgh", 5) == 0);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static int fail(void)
{
    char byte;
    int ends[2];
    CHECK_EQ(bine_open("/nonexistent/file", O_RDONLY, 0), -ENOENT);
    CHECK_EQ(bine_open(path, O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
    CHECK_EQ(bine_open(NULL, O_RDONLY, 0), -EINVAL);
    int fd = bine_open(path, O_RDONLY, 0);
    CHECK(fd >= 0);
    CHECK_EQ(bine_write(fd, "x", 1), -EBADF);
    CHECK_EQ(bine_pwrite(fd, "x", 1, 0), -EBADF);
    CHECK_EQ(bine_pread(fd, &byte, 1, -1), -EINVAL);
    CHECK_EQ(bine_pread(fd, &byte, 0, 0), 0);
    CHECK_EQ(bine_close(fd), 0);
    CHECK_EQ(bine_pread(fd, &byte, 1, 0), -EBADF);
    CHECK_EQ(bine_fsync(-1), -EBADF);
    net_foreign_pipe(ends);
    CHECK_EQ(bine_pread(ends[0], &byte, 1, 0), -ESPIPE);
    net_close(ends);
    fd = bine_open("/", O_RDONLY | O_DIRECTORY, 0);
    CHECK(fd >= 0);
    CHECK_EQ(bine_read(fd, &byte, 1), -EISDIR);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static int open_fifo(const char *fifo)
{
    char byte;
    int fd = bine_open(fifo, O_RDONLY, 0);
    CHECK(fd >= 0);
    CHECK_EQ(bine_read(fd, &byte, 1), 1);
    CHECK_EQ(bine_close(fd), 0);
    return byte;
}

/* Opening one end of a FIFO waits for the other, and keeps no worker from its tasks. */
static void check_fifo(void)
{
    char fifo[80];
    scratch_path(fifo, "", "fifo");
    CHECK_EQ(mkfifo(fifo, 0600), 0);
    bine_future(int) reader = bine_async(open_fifo, (const char *)fifo);
    CHECK(reader);
    test_until_parked(1);
    int fd = bine_run(bine_open, fifo, O_WRONLY, 0);
    CHECK(fd >= 0);
    CHECK_EQ(bine_write(fd, "f", 1), 1);
    CHECK_EQ(bine_await(reader), 'f');
    CHECK_EQ(bine_close(fd), 0);
    CHECK_EQ(unlink(fifo), 0);
}

static void check_all(void)
{
    int fd = bine_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    run_many(write_block, fd);
    run_many(read_block, fd);
    CHECK_EQ(bine_run(read_big, fd), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(read_big(fd), 0);
    CHECK_EQ(bine_close(fd), 0);
    fd = open(path, O_RDWR | O_CLOEXEC); /* not bine's */
    CHECK(fd >= 0);
    run_many(write_block, fd);
    run_many(read_block, fd);
    CHECK_EQ(bine_run(read_big, fd), 0);
    CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    CHECK_EQ(bine_close(fd), 0);
}

int main(void)
{
    scratch_make();
    scratch_path(path, "", "file");
    check_all();
    CHECK_EQ(bine_run(gather), 0);
    CHECK_EQ(gather(), 0);
    CHECK_EQ(bine_run(fail), 0);
    CHECK_EQ(fail(), 0);
    check_fifo();
    CHECK_EQ(unlink(path), 0);
    scratch_remove();
    return 0;
}
