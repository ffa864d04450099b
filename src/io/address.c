#define _GNU_SOURCE
#include "io/address.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static int parse_port(const char *text, uint16_t *port)
{
    unsigned number = 0;
    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        number = number * 10 + (unsigned)(*text - '0');
        if (number > UINT16_MAX)
            return -EINVAL;
    }
    *port = (uint16_t)number;
    return 0;
}

static int parse_unix(struct address *address, const char *path)
{
    struct sockaddr_un *local = &address->numeric.local;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof local->sun_path)
        return -EINVAL;
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, length + 1);
    address->is_unix = address->is_numeric = true;
    return 0;
}

static bool parse_v4(struct address *address)
{
    if (inet_pton(AF_INET, address->host, &address->numeric.v4.sin_addr) != 1)
        return false;
    address->numeric.v4.sin_family = AF_INET;
    address->numeric.v4.sin_port = htons(address->port);
    return address->is_numeric = true;
}

/* With the interface behind a % where there is one: "fe80::1%eth0". */
static bool parse_v6(struct address *address)
{
    struct sockaddr_in6 *v6 = &address->numeric.v6;
    char host[HOST_SIZE], *end;
    strcpy(host, address->host);
    char *zone = strchr(host, '%');
    if (zone) {
        *zone++ = '\0';
        v6->sin6_scope_id = if_nametoindex(zone);
        if (!v6->sin6_scope_id)
            v6->sin6_scope_id = (uint32_t)strtoul(zone, &end, 10);
        if (!v6->sin6_scope_id)
            return false;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    return address->is_numeric = true;
}

/* A name, or ""; no address of version 6, which has colons. */
static int parse_host(struct address *address)
{
    if (strpbrk(address->host, ":[] \t\n/"))
        return -EINVAL;
    if (address->host[0] && !parse_v4(address))
        address->is_numeric = false;
    return 0;
}

int address_parse(struct address *address, const char *text)
{
    memset(address, 0, sizeof *address);
    if (!text)
        return -EINVAL;
    const char *rest = skip(text, "unix:");
    if (rest)
        return parse_unix(address, rest);
    rest = skip(text, "udp:");
    address->is_udp = rest != NULL;
    const char *host = rest ? rest : text;
    const char *colon = strrchr(host, ':');
    if (!colon || parse_port(colon + 1, &address->port) != 0)
        return -EINVAL;
    size_t length = (size_t)(colon - host);
    bool bracketed = host[0] == '[';
    if (bracketed && (length < 2 || host[length - 1] != ']'))
        return -EINVAL;
    if (bracketed) {
        host++;
        length -= 2;
    }
    if (length >= sizeof address->host || memchr(host, '\0', length))
        return -EINVAL;
    memcpy(address->host, host, length);
    address->host[length] = '\0';
    if (bracketed)
        return parse_v6(address) ? 0 : -EINVAL;
    return parse_host(address);
}

socklen_t address_size(const union socket_address *address)
{
    switch (address->any.sa_family) {
    case AF_INET:
        return sizeof address->v4;
    case AF_INET6:
        return sizeof address->v6;
    default:
        return sizeof address->local;
    }
}

static int format_v4(const struct in_addr *host, in_port_t port, char *text, size_t size)
{
    char number[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, host, number, sizeof number);
    return snprintf(text, size, "%s:%u", number, ntohs(port));
}

static int format_v6(const struct sockaddr_in6 *v6, char *text, size_t size)
{
    char number[INET6_ADDRSTRLEN], zone[IF_NAMESIZE + 1] = "";
    struct in_addr mapped;
    /* A client of version 4 at a socket that listens for both. */
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        memcpy(&mapped, &v6->sin6_addr.s6_addr[12], sizeof mapped);
        return format_v4(&mapped, v6->sin6_port, text, size);
    }
    inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof number);
    if (v6->sin6_scope_id) {
        zone[0] = '%';
        if (!if_indextoname(v6->sin6_scope_id, zone + 1))
            snprintf(zone + 1, sizeof zone - 1, "%u", v6->sin6_scope_id);
    }
    return snprintf(text, size, "[%s%s]:%u", number, zone, ntohs(v6->sin6_port));
}

/* A path need not end with a zero byte, and an abstract name begins with one, shown as @. */
static int format_unix(const struct sockaddr_un *local, socklen_t length, char *text, size_t size)
{
    size_t most = length - offsetof(struct sockaddr_un, sun_path);
    if (length <= offsetof(struct sockaddr_un, sun_path))
        return snprintf(text, size, "unix:");
    if (local->sun_path[0] == '\0')
        return snprintf(text, size, "unix:@%.*s", (int)most - 1, local->sun_path + 1);
    return snprintf(text, size, "unix:%.*s", (int)strnlen(local->sun_path, most), local->sun_path);
}

int address_format(const union socket_address *address, socklen_t length, char *text, size_t size)
{
    int written;
    switch (address->any.sa_family) {
    case AF_INET:
        written = format_v4(&address->v4.sin_addr, address->v4.sin_port, text, size);
        break;
    case AF_INET6:
        written = format_v6(&address->v6, text, size);
        break;
    case AF_UNIX:
        written = format_unix(&address->local, length, text, size);
        break;
    default:
        return -EAFNOSUPPORT;
    }
    return (size_t)written < size ? 0 : -ENAMETOOLONG;
}
