#include "fetch.h"
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, TEXT_COLUMNS = 50, MOST_COLUMNS = 200 };

static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
}

void progress_draw(const struct counts *counts, unsigned jobs, bine_time since)
{
    if (!isatty(STDERR_FILENO))
        return;
    char bar[MOST_COLUMNS];
    unsigned over = atomic_load(&counts->done) + atomic_load(&counts->failed);
    double megabytes = (double)atomic_load(&counts->bytes) / 1e6;
    double seconds = (double)(bine_now() - since) / 1e9;
    int width = columns() - TEXT_COLUMNS;
    if (width < 4)
        width = 4;
    int full = jobs ? (int)((unsigned)width * over / jobs) : width;
    memset(bar, '.', (size_t)width);
    memset(bar, '#', (size_t)full);
    fprintf(stderr, "\r[%.*s] %u/%u files %8.1f MB %7.1f MB/s", width, bar, over, jobs, megabytes,
            seconds > 0 ? megabytes / seconds : 0);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
