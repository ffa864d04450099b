#define _GNU_SOURCE
#include "diag/report.h"
#include "diag/backtrace.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { LONGEST_LINE = 1024 };

/* write(2), but EPIPE raises no SIGPIPE. */
static ssize_t write_without_signal(int fd, const char *text, size_t size)
{
    static const struct timespec now;
    sigset_t sigpipe, before, pending;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    ssize_t written = write(fd, text, size);
    int error = errno;
    if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&sigpipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write_without_signal(fd, text, size);
        if (written >= 0) {
            text += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

void report_flush(struct report *report)
{
    if (!report->error)
        report->error = write_all(report->fd, report->text, report->length);
    report->length = 0;
}

void report_print(struct report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(report->text + report->length, REPORT_SIZE - report->length, format, arguments);
    va_end(arguments);
    report->length += (size_t)length;
    if (report->length > REPORT_SIZE - 1)
        report->length = REPORT_SIZE - 1;
}

void report_end_line(struct report *report)
{
    report_print(report, "\n");
    if (report->length > REPORT_SIZE - LONGEST_LINE)
        report_flush(report);
}

void report_code(struct report *report, const void *address)
{
    size_t i = (uintptr_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 54;
    if (report->codes[i].address != address) {
        report->codes[i].address = address;
        describe_code(address, report->codes[i].text, CODE_SHOWN);
    }
    report_print(report, "%s", report->codes[i].text);
}

void report_call(struct report *report, const void *return_address)
{
    report_code(report, (const void *)((uintptr_t)return_address - 1));
}
