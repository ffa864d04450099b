/* Reading an answer, by http_parser. */
#include "fetch.h"
#include <errno.h>
#include <http_parser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = 32 };

struct response {
    http_parser parser;
    body_function *body;
    void *argument;
    char name[NAME_SIZE]; /* of the header being read, cut */
    size_t name_size;
    bool in_value;
    char location[URL_SIZE];
    size_t location_size;
    long long size; /* of the body; -1: not said */
    bool has_head, complete;
    int error; /* from body() */
};

static int on_name(http_parser *parser, const char *at, size_t size)
{
    struct response *response = parser->data;
    if (response->in_value)
        response->name_size = 0;
    response->in_value = false;
    for (size_t i = 0; i < size && response->name_size < NAME_SIZE - 1; i++)
        response->name[response->name_size++] = at[i];
    response->name[response->name_size] = '\0';
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t size)
{
    struct response *response = parser->data;
    response->in_value = true;
    if (strcasecmp(response->name, "location") != 0)
        return 0;
    if (response->location_size + size >= URL_SIZE)
        return -1;
    memcpy(response->location + response->location_size, at, size);
    response->location_size += size;
    response->location[response->location_size] = '\0';
    return 0;
}

static int on_head(http_parser *parser)
{
    struct response *response = parser->data;
    response->has_head = true;
    response->size = parser->content_length == UINT64_MAX ? -1 : (long long)parser->content_length;
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t size)
{
    struct response *response = parser->data;
    response->error = response->body(response->argument, at, size);
    return response->error ? -1 : 0;
}

static int on_end(http_parser *parser)
{
    struct response *response = parser->data;
    response->complete = true;
    http_parser_pause(parser, 1); /* whatever follows is not what was asked for */
    return 0;
}

static const http_parser_settings settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_end,
};

struct response *response_new(body_function *body, void *argument)
{
    struct response *response = calloc(1, sizeof *response);
    if (!response)
        return NULL;
    http_parser_init(&response->parser, HTTP_RESPONSE);
    response->parser.data = response;
    response->body = body;
    response->argument = argument;
    response->size = -1;
    return response;
}

void response_free(struct response *response)
{
    free(response);
}

int response_feed(struct response *response, const char *data, size_t size)
{
    http_parser_execute(&response->parser, &settings, data, size);
    if (response->error)
        return response->error;
    if (response->complete)
        return 0;
    return size == 0 || HTTP_PARSER_ERRNO(&response->parser) != HPE_OK ? -EPROTO : 0;
}

bool response_is_complete(const struct response *response)
{
    return response->complete;
}

int response_status(const struct response *response)
{
    return response->has_head ? (int)response->parser.status_code : 0;
}

const char *response_location(const struct response *response)
{
    return response->location;
}

long long response_size(const struct response *response)
{
    return response->size;
}
