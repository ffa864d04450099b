/*
 * Reading requests, by http_parser.
 *
 * The parser hands out pieces as they come. Since a request lies in memory as one piece, what
 * follows the piece before only makes that longer: nothing is copied.
 */
#include "httpd.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <http_parser.h>

struct reader {
    http_parser parser;
    struct request request;
    struct text name;   /* of the header being read */
    struct text *value; /* where its value goes; NULL: it does not matter */
    bool in_value;
    bool again; /* a header that may stand only once stands twice */
    bool complete;
};

static void extend(struct text *text, const char *at, size_t size)
{
    if (text->at && text->at + text->size == at) {
        text->size += size;
    } else {
        text->at = at;
        text->size = size;
    }
}

static struct text *place_for(struct request *request, const struct text *name)
{
    const struct {
        const char *name;
        struct text *value;
    } known[] = {
        {"host", &request->host},
        {"range", &request->range},
        {"if-range", &request->if_range},
        {"if-none-match", &request->if_none_match},
        {"if-modified-since", &request->if_modified_since},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == name->size &&
            strncasecmp(known[i].name, name->at, name->size) == 0)
            return known[i].value;
    return NULL;
}

/* --- what the parser calls --- */

static int on_target(http_parser *parser, const char *at, size_t size)
{
    struct reader *reader = parser->data;
    extend(&reader->request.target, at, size);
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t size)
{
    struct reader *reader = parser->data;
    if (reader->in_value)
        reader->name = (struct text){0};
    reader->in_value = false;
    extend(&reader->name, at, size);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t size)
{
    struct reader *reader = parser->data;
    if (!reader->in_value) {
        reader->value = place_for(&reader->request, &reader->name);
        if (reader->value && reader->value->at)
            reader->again = true;
    }
    reader->in_value = true;
    if (reader->value)
        extend(reader->value, at, size);
    return 0;
}

/* Nobody reads a request's body here: who sends one is answered and left. */
static int on_head(http_parser *parser)
{
    struct reader *reader = parser->data;
    struct request *request = &reader->request;
    reader->complete = true;
    request->minor = parser->http_minor;
    request->method = parser->method == HTTP_GET    ? METHOD_GET
                      : parser->method == HTTP_HEAD ? METHOD_HEAD
                                                    : METHOD_OTHER;
    request->method_name = http_method_str(parser->method);
    request->has_body = (parser->flags & F_CHUNKED) || parser->upgrade ||
                        (parser->content_length > 0 && parser->content_length != UINT64_MAX);
    return 0;
}

static int on_end(http_parser *parser)
{
    http_parser_pause(parser, 1); /* what follows is the next request's */
    return 0;
}

static const http_parser_settings settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_message_complete = on_end,
};

/* --- the reader --- */

struct reader *reader_new(void)
{
    return calloc(1, sizeof(struct reader));
}

void reader_free(struct reader *reader)
{
    free(reader);
}

void reader_begin(struct reader *reader)
{
    *reader = (struct reader){.in_value = true};
    reader->parser.data = reader;
    http_parser_init(&reader->parser, HTTP_REQUEST);
}

static int check(const struct reader *reader)
{
    const struct request *request = &reader->request;
    if (reader->parser.http_major != 1)
        return 505;
    if (reader->again || (request->minor >= 1 && !request->host.at))
        return 400;
    return 200;
}

int reader_feed(struct reader *reader, const char *text, size_t size, size_t *used,
                struct request *request)
{
    *used = http_parser_execute(&reader->parser, &settings, text, size);
    enum http_errno error = HTTP_PARSER_ERRNO(&reader->parser);
    bool good = error == HPE_OK || error == HPE_PAUSED;
    if (good && !reader->complete)
        return 0;
    /* Behind a head comes a body, or the next request: its errors are not this one's. */
    reader->request.keep_alive =
        good && http_should_keep_alive(&reader->parser) && !reader->request.has_body;
    *request = reader->request;
    return reader->complete ? check(reader) : 400;
}
