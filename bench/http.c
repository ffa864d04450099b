/* The server of the row http. */
#include "bench.h"
#include <http_parser.h>
#include <string.h>

enum { READ_SIZE = 4096, MOST_ANSWERS = 64 };

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 13\r\n"
                             "\r\n"
                             "Hello, World!";
enum { ANSWER_SIZE = sizeof answer - 1 };

static int count_message(http_parser *parser)
{
    ++*(int *)parser->data;
    return 0;
}

static const http_parser_settings settings = {.on_message_complete = count_message};

/* Requests that came together are answered together. */
static bool answer_all(int fd, int count)
{
    char answers[MOST_ANSWERS * ANSWER_SIZE];
    while (count > 0) {
        int some = count < MOST_ANSWERS ? count : MOST_ANSWERS;
        for (int i = 0; i < some; i++)
            memcpy(answers + i * ANSWER_SIZE, answer, ANSWER_SIZE);
        if (bine_write_full(fd, answers, (size_t)(some * ANSWER_SIZE)) != 0)
            return false;
        count -= some;
    }
    return true;
}

static void serve(int fd)
{
    char request[READ_SIZE];
    int count = 0;
    ssize_t size;
    http_parser parser = {.data = &count};
    http_parser_init(&parser, HTTP_REQUEST);
    while ((size = bine_read(fd, request, sizeof request)) > 0) {
        if (http_parser_execute(&parser, &settings, request, (size_t)size) != (size_t)size)
            break;
        if (count == 1 ? bine_write_full(fd, answer, ANSWER_SIZE) != 0 : !answer_all(fd, count))
            break;
        count = 0;
    }
    bine_close(fd);
}

void serve_http(char **args)
{
    net_serve(args[0], serve);
}
