/*
 * The request log: a line per request, as other servers write it.
 *
 * Lines are gathered in memory and written by a task of their own, so that nobody waits for a slow
 * disk or pipe while he answers. Where the writer cannot keep up, lines are lost and counted.
 */
#include "httpd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_SIZE = 256 * 1024, LINE_SIZE = 1024, TARGET_SIZE = 512 };
#define LOG_PERIOD BINE_MS(50)

struct lines {
    char *text;  /* gathered */
    char *other; /* being written, or empty */
    size_t size;
    unsigned long lost;
    bool closed;
};

struct log {
    bine_guarded(struct lines) lines;
    bine_event wake; /* half full, or closed */
    bine_event ended;
};

struct log *log_open(void)
{
    struct log *log = calloc(1, sizeof *log);
    char *text = malloc(LOG_SIZE), *other = malloc(LOG_SIZE);
    if (!log || !text || !other) {
        free(log);
        free(text);
        free(other);
        return NULL;
    }
    log->lines.data.text = text;
    log->lines.data.other = other;
    return log;
}

/* Swaps the gathered lines out. */
static size_t take_lines(struct log *log, char **text, unsigned long *lost, bool *closed)
{
    size_t size = 0;
    BINE_LOCKED (&log->lines, lines) {
        *text = lines->text;
        size = lines->size;
        lines->text = lines->other;
        lines->other = *text;
        lines->size = 0;
        *lost = lines->lost;
        lines->lost = 0;
        *closed = lines->closed;
    }
    return size;
}

void log_write(struct log *log)
{
    bool closed = false;
    do {
        char *text;
        unsigned long lost = 0;
        (void)bine_event_wait_until(&log->wake, bine_after(LOG_PERIOD));
        bine_event_clear(&log->wake);
        size_t size = take_lines(log, &text, &lost, &closed);
        if (lost > 0)
            fprintf(stderr, "httpd: %lu lines of the log are lost\n", lost);
        if (size > 0)
            (void)bine_write_full(STDOUT_FILENO, text, size); /* a log that is gone stops nobody */
    } while (!closed);
    bine_event_set(&log->ended);
}

void log_close(struct log *log)
{
    BINE_LOCKED (&log->lines, lines)
        lines->closed = true;
    bine_event_set(&log->wake);
    (void)bine_event_wait(&log->ended);
    free(log->lines.data.text);
    free(log->lines.data.other);
    free(log);
}

/* What could end the line or the quotes is written as \xHH. */
static size_t quote(const struct text *target, char *to)
{
    size_t size = 0;
    for (size_t i = 0; i < target->size && size + 4 < TARGET_SIZE; i++) {
        unsigned char c = (unsigned char)target->at[i];
        if (c < ' ' || c >= 127 || c == '"' || c == '\\')
            size += (size_t)sprintf(to + size, "\\x%02X", c);
        else
            to[size++] = (char)c;
    }
    return size;
}

static void format_time(char *text, size_t size)
{
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(text, size, "%d/%b/%Y:%H:%M:%S +0000", &tm);
}

void log_request(struct log *log, const char *peer, const struct request *request, int status,
                 long long bytes)
{
    char line[LINE_SIZE], target[TARGET_SIZE], when[40];
    const char *port = strrchr(peer, ':');
    int peer_size = (int)(port ? (size_t)(port - peer) : strlen(peer));
    size_t target_size = request ? quote(&request->target, target) : 0;
    format_time(when, sizeof when);
    int size = request
                   ? snprintf(line, sizeof line, "%.*s - - [%s] \"%s %.*s HTTP/1.%d\" %d %lld\n",
                              peer_size, peer, when, request->method_name, (int)target_size, target,
                              request->minor, status, bytes)
                   : snprintf(line, sizeof line, "%.*s - - [%s] \"-\" %d %lld\n", peer_size, peer,
                              when, status, bytes);
    bool half_full = false;
    BINE_LOCKED (&log->lines, lines) {
        if (lines->size + (size_t)size <= LOG_SIZE) {
            memcpy(lines->text + lines->size, line, (size_t)size);
            half_full = lines->size < LOG_SIZE / 2 && lines->size + (size_t)size >= LOG_SIZE / 2;
            lines->size += (size_t)size;
        } else {
            lines->lost++;
        }
    }
    if (half_full)
        bine_event_set(&log->wake);
}
