#define _GNU_SOURCE
#include "sched/fatal.h"
#include "sched/park.h"
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE = 512 };

void say(const char *format, ...)
{
    char line[LINE];
    int length = snprintf(line, sizeof line, "bine: ");
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
    va_end(arguments);
    if (length > LINE - 2)
        length = LINE - 2;
    line[length++] = '\n';
    /* One write, so that lines of several processes and threads do not mix. */
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written;
}

void describe_run(struct run *run, char *text, unsigned long size)
{
    if (!run->stack)
        snprintf(text, size, "a plain thread");
    else if (run->name)
        snprintf(text, size, "task %llu '%s'", (unsigned long long)run_id(run), run->name);
    else
        snprintf(text, size, "task %llu", (unsigned long long)run_id(run));
}

void describe_address(const void *address, char *text, unsigned long size)
{
    Dl_info info;
    if (dladdr(address, &info) && info.dli_sname)
        snprintf(text, size, "%s+0x%lx (%p)", info.dli_sname,
                 (unsigned long)((const char *)address - (const char *)info.dli_saddr), address);
    else
        snprintf(text, size, "%p", address);
}

_Noreturn void fatal_misuse(const char *call, const char *message)
{
    char who[128];
    describe_run(run_self(), who, sizeof who);
    say("%s: %s (called by %s)", call, message, who);
    abort();
}
