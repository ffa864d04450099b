/* Answers: a status line, headers, and a file, a part of one, or a word about what is wrong. */
#define _GNU_SOURCE
#include "httpd.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DATE_SIZE = 80, TAG_SIZE = 64 };

/* The head of an answer as it is put together. */
struct head {
    char *text; /* OUTPUT_SIZE bytes, which every head fits into: names from the request are cut */
    size_t size;
};

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 414:
        return "URI Too Long";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

/* --- heads --- */

__attribute__((format(printf, 2, 3))) static void add(struct head *head, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(head->text + head->size, OUTPUT_SIZE - head->size, format, arguments);
    va_end(arguments);
    if (size > 0 && head->size + (size_t)size < OUTPUT_SIZE)
        head->size += (size_t)size;
}

/* In the one form that HTTP knows, whatever the locale. */
static void format_date(time_t time, char text[DATE_SIZE])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    gmtime_r(&time, &tm);
    snprintf(text, DATE_SIZE, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
}

static void format_tag(const struct stat *stat, char text[TAG_SIZE])
{
    snprintf(text, TAG_SIZE, "\"%" PRIxMAX "-%lx-%" PRIxMAX "\"", (uintmax_t)stat->st_mtim.tv_sec,
             stat->st_mtim.tv_nsec, (uintmax_t)stat->st_size);
}

static void begin_head(struct head *head, int status, bool keep_alive, int minor)
{
    char date[DATE_SIZE];
    format_date(time(NULL), date);
    add(head, "HTTP/1.1 %d %s\r\nServer: bine-httpd\r\nDate: %s\r\n", status, reason_of(status),
        date);
    if (!keep_alive)
        add(head, "Connection: close\r\n");
    else if (minor == 0)
        add(head, "Connection: keep-alive\r\n");
}

static void describe_file(struct head *head, const struct file *file)
{
    char date[DATE_SIZE], tag[TAG_SIZE];
    format_date(file->stat.st_mtim.tv_sec, date);
    format_tag(&file->stat, tag);
    add(head, "Last-Modified: %s\r\nETag: %s\r\n", date, tag);
}

/* --- conditions --- */

static bool equals(const struct text *text, const char *expected)
{
    return text->size == strlen(expected) && memcmp(text->at, expected, text->size) == 0;
}

/* A list of tags, each perhaps marked as weak, or "*". */
static bool lists_tag(const struct text *list, const char *tag)
{
    return equals(list, "*") || memmem(list->at, list->size, tag, strlen(tag)) != NULL;
}

/* The client has what it would get. */
static bool is_known(const struct request *request, const struct file *file)
{
    char date[DATE_SIZE], tag[TAG_SIZE];
    if (request->if_none_match.at) {
        format_tag(&file->stat, tag);
        return lists_tag(&request->if_none_match, tag);
    }
    format_date(file->stat.st_mtim.tv_sec, date);
    return request->if_modified_since.at && equals(&request->if_modified_since, date);
}

static bool wants_range(const struct request *request, const struct file *file)
{
    char date[DATE_SIZE], tag[TAG_SIZE];
    if (!request->range.at || request->method != METHOD_GET)
        return false;
    format_date(file->stat.st_mtim.tv_sec, date);
    format_tag(&file->stat, tag);
    return !request->if_range.at || equals(&request->if_range, tag) ||
           equals(&request->if_range, date);
}

/* --- sending --- */

static bool may_keep_alive(const struct connection *connection, const struct request *request)
{
    return request && request->keep_alive &&
           !atomic_load_explicit(&connection->server->stopping, memory_order_relaxed);
}

static void log_answer(struct connection *connection, const struct request *request, int status,
                       off_t bytes)
{
    if (connection->server->log)
        log_request(connection->server->log, connection->peer, request, status, bytes);
}

/* Sends what stands in the output, and then the rest of the range. `size` bytes of output, of which
 * the last `of_file` are the range's first. Returns false where not all was sent. */
static bool send_file(struct connection *connection, const struct file *file, struct range range,
                      size_t size)
{
    for (;;) {
        if (!connection_send(connection, connection->output, size))
            return false;
        if (range.size == 0)
            return true;
        size_t most = range.size < OUTPUT_SIZE ? (size_t)range.size : OUTPUT_SIZE;
        ssize_t got = bine_pread(file->fd, connection->output, most, range.first);
        if (got <= 0)
            return false; /* unreadable, or shorter than it was: what was promised cannot be kept */
        range.first += got;
        range.size -= got;
        size = (size_t)got;
    }
}

/* As much of the range behind the head as fits, so that a small answer is one packet. */
static bool fill_up(struct connection *connection, const struct file *file, struct range *range,
                    size_t *size)
{
    size_t most = OUTPUT_SIZE - *size;
    if (range->size == 0)
        return true;
    if ((off_t)most > range->size)
        most = (size_t)range->size;
    ssize_t got = bine_pread(file->fd, connection->output + *size, most, range->first);
    if (got <= 0)
        return false;
    *size += (size_t)got;
    range->first += got;
    range->size -= got;
    return true;
}

static bool answer_file(struct connection *connection, const struct request *request,
                        const struct file *file)
{
    struct head head = {.text = connection->output};
    struct range range = {0, file->stat.st_size};
    bool keep = may_keep_alive(connection, request);
    int status = is_known(request, file)      ? 304
                 : wants_range(request, file) ? range_choose(&request->range, range.size, &range)
                                              : 200;
    if (status == 416)
        range.size = 0;
    begin_head(&head, status, keep, request->minor);
    describe_file(&head, file);
    if (status != 304)
        add(&head, "Accept-Ranges: bytes\r\nContent-Type: %s\r\nContent-Length: %jd\r\n",
            file->type, (intmax_t)range.size);
    if (status == 206)
        add(&head, "Content-Range: bytes %jd-%jd/%jd\r\n", (intmax_t)range.first,
            (intmax_t)(range.first + range.size - 1), (intmax_t)file->stat.st_size);
    if (status == 416)
        add(&head, "Content-Range: bytes */%jd\r\n", (intmax_t)file->stat.st_size);
    add(&head, "\r\n");
    if (status == 304 || request->method == METHOD_HEAD)
        range.size = 0;
    log_answer(connection, request, status, range.size);
    return fill_up(connection, file, &range, &head.size) &&
           send_file(connection, file, range, head.size) && keep;
}

static void add_location(struct head *head, const struct request *request)
{
    const char *query = memchr(request->target.at, '?', request->target.size);
    int size = (int)(query ? (size_t)(query - request->target.at) : request->target.size);
    add(head, "Location: %.*s/\r\n", size, request->target.at);
}

static bool answer_with_status(struct connection *connection, const struct request *request,
                               int status, bool keep)
{
    struct head head = {.text = connection->output};
    char body[64];
    int size = snprintf(body, sizeof body, "%d %s\n", status, reason_of(status));
    begin_head(&head, status, keep, request ? request->minor : 1);
    if (status == 301)
        add_location(&head, request);
    if (status == 405)
        add(&head, "Allow: GET, HEAD\r\n");
    add(&head, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n", size);
    if (!request || request->method != METHOD_HEAD)
        add(&head, "%s", body);
    else
        size = 0;
    log_answer(connection, request, status, size);
    return connection_send(connection, connection->output, head.size) && keep;
}

void answer_status(struct connection *connection, const struct request *request, int status)
{
    answer_with_status(connection, request, status, false);
}

bool answer_request(struct connection *connection, const struct request *request)
{
    const struct server *server = connection->server;
    struct file file = {.fd = -1};
    int status = request->method == METHOD_OTHER
                     ? 405
                     : file_find(server->root, &request->target, server->options->no_links, &file);
    if (status != 200)
        return answer_with_status(connection, request, status, may_keep_alive(connection, request));
    bool keep = answer_file(connection, request, &file);
    file_close(&file);
    return keep;
}
