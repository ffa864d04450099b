/* Host names, by getaddrinfo on helper threads: it follows the system's own settings, and blocks.
 */
#define _GNU_SOURCE
#include "io/name.h"
#include "io/helper.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* It goes on where its waiter has left, so it has memory of its own. */
struct lookup {
    struct job job;
    char host[HOST_SIZE];
    int type;   /* SOCK_STREAM or SOCK_DGRAM */
    int result; /* of getaddrinfo */
    int error;  /* errno, where that says so */
    struct addrinfo *found;
};

static void free_lookup(struct job *job)
{
    struct lookup *lookup = (struct lookup *)job;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static void look_up(struct job *job)
{
    struct lookup *lookup = (struct lookup *)job;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = lookup->type};
    lookup->result = getaddrinfo(lookup->host, NULL, &hints, &lookup->found);
    lookup->error = errno;
}

static int error_of(const struct lookup *lookup)
{
    switch (lookup->result) {
    case 0:
        return 0;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_AGAIN:
    case EAI_FAIL:
        return -ENETUNREACH;
    case EAI_SYSTEM:
        return lookup->error == ENOMEM || lookup->error == EMFILE ? -lookup->error : -ENETUNREACH;
    default:
        return -EADDRNOTAVAIL;
    }
}

static bool is_internet(const struct addrinfo *info)
{
    return info->ai_family == AF_INET || info->ai_family == AF_INET6;
}

static int copy_found(struct names *names, const struct addrinfo *found, uint16_t port)
{
    int count = 0;
    for (const struct addrinfo *info = found; info; info = info->ai_next)
        count += is_internet(info);
    if (count == 0)
        return -EADDRNOTAVAIL;
    names->address = calloc((size_t)count, sizeof *names->address);
    names->count = 0;
    if (!names->address)
        return -ENOMEM;
    for (const struct addrinfo *info = found; info; info = info->ai_next) {
        if (!is_internet(info))
            continue;
        union socket_address *address = &names->address[names->count++];
        memcpy(address, info->ai_addr, info->ai_addrlen);
        if (info->ai_family == AF_INET)
            address->v4.sin_port = htons(port);
        else
            address->v6.sin6_port = htons(port);
    }
    return 0;
}

int name_resolve(struct names *names, const struct address *address)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return -ENOMEM;
    lookup->job = (struct job){.run = look_up, .discard = free_lookup};
    lookup->type = address->is_udp ? SOCK_DGRAM : SOCK_STREAM;
    strcpy(lookup->host, address->host);
    int error = helper_run_detached(&lookup->job, "name");
    if (error)
        return error;
    error = error_of(lookup);
    if (!error)
        error = copy_found(names, lookup->found, address->port);
    free_lookup(&lookup->job);
    return error;
}
