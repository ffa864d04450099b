#include "fetch.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "http://";
enum { SCHEME_SIZE = sizeof scheme - 1 };

/* A line that a request consists of must stay one. */
static bool is_clean(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 127)
            return false;
    return true;
}

static bool has_port(const char *host)
{
    const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    return colon && colon > bracket;
}

bool url_parse(const char *text, struct url *url)
{
    if (strncasecmp(text, scheme, SCHEME_SIZE) != 0)
        return false;
    const char *host = text + SCHEME_SIZE;
    size_t host_size = strcspn(host, "/?#");
    const char *path = host + host_size;
    size_t path_size = strcspn(path, "#");
    if (host_size == 0 || host_size >= HOST_SIZE || path_size + 2 > URL_SIZE ||
        memchr(host, '@', host_size) || !is_clean(host, host_size) || !is_clean(path, path_size))
        return false;
    snprintf(url->host, sizeof url->host, "%.*s", (int)host_size, host);
    snprintf(url->address, sizeof url->address, has_port(url->host) ? "%s" : "%s:80", url->host);
    snprintf(url->path, sizeof url->path, "%s%.*s", *path == '/' ? "" : "/", (int)path_size, path);
    return true;
}

bool url_follow(struct url *url, const char *location)
{
    size_t size = strcspn(location, "#");
    if (location[0] != '/' || location[1] == '/')
        return url_parse(location, url);
    if (size >= URL_SIZE || !is_clean(location, size))
        return false;
    snprintf(url->path, sizeof url->path, "%.*s", (int)size, location);
    return true;
}

void url_file_name(const struct url *url, char *name, size_t size)
{
    size_t path_size = strcspn(url->path, "?");
    const char *begin = url->path + path_size;
    while (begin[-1] != '/') /* a path begins with one */
        begin--;
    int length = (int)(url->path + path_size - begin);
    if (length == 0 || strncmp(begin, ".", (size_t)length) == 0 ||
        strncmp(begin, "..", (size_t)length) == 0)
        snprintf(name, size, "index.html");
    else
        snprintf(name, size, "%.*s", length, begin);
}
