/*
 * Sockets by address text.
 *
 * Everything is made non-blocking and close-on-exec. TCP sockets have Nagle's delay off: accepted
 * ones inherit it from their listener.
 */
#define _GNU_SOURCE
#include "io/address.h"
#include "io/descriptor.h"
#include "io/name.h"
#include "io/socket_file.h"
#include "sched/worker.h"
#include <bine/io.h>
#include <bine/time.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TEXT_LEAST = 64,         /* room for an address's text that a caller must give */
    FULL_FIRST_NS = 1000000, /* how long to leave a full Unix listener alone, doubling */
    FULL_LONGEST_NS = 10000000,
    SHORT_NS = 10000000, /* how long accepting waits for a free descriptor */
};

static void set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static unsigned traits_of(const union socket_address *at, int type)
{
    return at->any.sa_family == AF_UNIX ? TRAIT_SOCKET | TRAIT_UNIX
           : type == SOCK_STREAM        ? TRAIT_SOCKET | TRAIT_TCP
                                        : TRAIT_SOCKET;
}

static int open_socket(const union socket_address *at, int type)
{
    int fd = socket(at->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (type == SOCK_STREAM && at->any.sa_family != AF_UNIX)
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

/* Gives an open socket to the table; it is closed where that fails. */
static int adopt(int fd, unsigned traits)
{
    int error = descriptor_adopt(fd, traits);
    if (!error)
        return fd;
    close(fd);
    return error;
}

/* --- for each address that a text stands for --- */

typedef int open_at(const union socket_address *at, int type, int backlog);

static int try_in_turn(const struct names *names, int type, int backlog, open_at *open)
{
    int fd = -EADDRNOTAVAIL;
    for (int i = 0; i < names->count; i++) {
        fd = open(&names->address[i], type, backlog);
        if (fd >= 0 || fd == -ECANCELED || fd == -ETIMEDOUT)
            break;
    }
    return fd;
}

/* Both versions of any address by one socket; where there is no version 6, the other alone. */
static int open_any(uint16_t port, int type, int backlog, open_at *open)
{
    union socket_address any[2] = {
        {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}},
        {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}},
    };
    int fd = open(&any[0], type, backlog);
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? open(&any[1], type, backlog) : fd;
}

/* The caller's waits may fail now? Argument checks have been made. */
static int open_address(const struct address *address, int backlog, open_at *open)
{
    int type = address->is_udp ? SOCK_DGRAM : SOCK_STREAM;
    struct names names = {(union socket_address *)&address->numeric, 1};
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    if (!address->is_unix && !address->host[0])
        return open_any(address->port, type, backlog, open);
    if (address->is_numeric)
        return open(&address->numeric, type, backlog);
    if ((error = name_resolve(&names, address)))
        return error;
    int fd = try_in_turn(&names, type, backlog, open);
    free(names.address);
    return fd;
}

/* --- listening --- */

static int bind_socket(int fd, const union socket_address *at, struct socket_file **file)
{
    if (at->any.sa_family == AF_UNIX)
        return socket_file_bind(fd, &at->local, file);
    if (at->any.sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !IN6_IS_ADDR_UNSPECIFIED(&at->v6.sin6_addr));
    return bind(fd, &at->any, address_size(at)) == 0 ? 0 : -errno;
}

static int listen_at(const union socket_address *at, int type, int backlog)
{
    struct socket_file *file = NULL;
    int fd = open_socket(at, type), error;
    if (fd < 0)
        return fd;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if ((error = bind_socket(fd, at, &file)))
        goto close;
    if (listen(fd, backlog > 0 ? backlog : SOMAXCONN) != 0) {
        error = -errno;
        goto remove;
    }
    if ((error = descriptor_adopt(fd, traits_of(at, type))))
        goto remove;
    if (file)
        descriptor_own_file(fd, file);
    return fd;

remove:
    if (file)
        socket_file_remove(file);
close:
    close(fd);
    return error;
}

int bine_listen(const char *text, int backlog)
{
    struct address address;
    int error = address_parse(&address, text);
    if (error || address.is_udp)
        return -EINVAL;
    return open_address(&address, backlog, listen_at);
}

static int bind_udp_at(const union socket_address *at, int type, int unused)
{
    (void)unused;
    int fd = open_socket(at, type);
    if (fd < 0)
        return fd;
    int error = bind_socket(fd, at, NULL);
    if (!error)
        return adopt(fd, traits_of(at, type));
    close(fd);
    return error;
}

int bine_udp(const char *text)
{
    struct address address;
    int error = address_parse(&address, text);
    if (error || address.is_unix)
        return -EINVAL;
    address.is_udp = true;
    return open_address(&address, 0, bind_udp_at);
}

/* --- accepting --- */

static bool is_short_of_descriptors(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

/* Errors of a connection that is gone before it was accepted are not the listener's. */
static bool concerns_other(int error)
{
    return error == -ECONNABORTED || error == -EPROTO || error == -ENETDOWN ||
           error == -ENOPROTOOPT || error == -EHOSTDOWN || error == -ENONET ||
           error == -EHOSTUNREACH || error == -ENETUNREACH || error == -EINTR;
}

/* A listener that bine did not open may be blocking. */
static bool would_block(const struct use *use)
{
    struct pollfd poll_fd = {use->fd, POLLIN, 0};
    return !(use_traits(use) & TRAIT_OURS) && poll(&poll_fd, 1, 0) == 0;
}

static int accept_once(struct use *use)
{
    int fd;
    if (!use_enter(use))
        return -EBADF;
    do
        fd =
            would_block(use) ? -EAGAIN : accept4(use->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd == -1 && concerns_other(-errno));
    int error = fd == -1 ? -errno : fd;
    use_leave(use);
    side_tried(use, SIDE_IN, error == -EAGAIN ? OUTCOME_NONE : OUTCOME_MORE);
    return error;
}

static int accept_or_wait(struct use *use)
{
    for (;;) {
        if (side_may_try(use, SIDE_IN)) {
            int fd = accept_once(use);
            if (fd != -EAGAIN)
                return fd;
        }
        int error = side_wait(use, SIDE_IN, "accept");
        if (error)
            return error;
    }
}

int bine_accept(int listener)
{
    struct use use;
    int error = use_begin(&use, listener);
    if (error)
        return error;
    worker_heed_budget_here();
    if ((error = run_check(run_self())))
        return error;
    int fd = accept_or_wait(&use);
    /* The connection waits on, so a server that only tries again would do nothing else. */
    if (is_short_of_descriptors(fd) && (error = bine_sleep(SHORT_NS)) == 0)
        fd = accept_or_wait(&use);
    if (error)
        return error;
    unsigned traits = use_traits(&use) & (TRAIT_SOCKET | TRAIT_TCP | TRAIT_UNIX);
    return fd < 0 ? fd : adopt(fd, traits);
}

/* --- dialling --- */

/* The socket is the table's. 0 or -errno. */
static int wait_until_connected(int fd)
{
    int error = bine_poll(fd, POLLOUT);
    if (error < 0)
        return error;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? -error : -errno;
}

/* A Unix listener whose queue is full says EAGAIN, and nobody tells when there is room. */
static int connect_unix(int fd, const union socket_address *at)
{
    bine_time pause = FULL_FIRST_NS;
    while (connect(fd, &at->any, address_size(at)) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int error = bine_sleep(pause);
        if (error)
            return error;
        pause = pause < FULL_LONGEST_NS ? pause * 2 : pause;
    }
    return 0;
}

static int connect_socket(int fd, const union socket_address *at)
{
    if (at->any.sa_family == AF_UNIX)
        return connect_unix(fd, at);
    if (connect(fd, &at->any, address_size(at)) == 0)
        return 0;
    return errno == EINPROGRESS || errno == EINTR ? wait_until_connected(fd) : -errno;
}

static int dial_at(const union socket_address *at, int type, int unused)
{
    (void)unused;
    int fd = open_socket(at, type);
    if (fd < 0)
        return fd;
    fd = adopt(fd, traits_of(at, type));
    int error = fd < 0 ? fd : connect_socket(fd, at);
    if (!error)
        return fd;
    if (fd >= 0)
        descriptor_close(fd);
    return error;
}

int bine_dial(const char *text)
{
    struct address address;
    int error = address_parse(&address, text);
    if (error || (!address.is_unix && !address.host[0]))
        return -EINVAL;
    return open_address(&address, 0, dial_at);
}

/* --- asking for addresses --- */

typedef int get_name(int fd, struct sockaddr *address, socklen_t *length);

static int describe(int fd, char *text, size_t size, get_name *get)
{
    union socket_address address = {0};
    socklen_t length = sizeof address;
    if (!text || size < TEXT_LEAST)
        return -EINVAL;
    if (get(fd, &address.any, &length) != 0)
        return -errno;
    return address_format(&address, length, text, size);
}

static int get_local(int fd, struct sockaddr *address, socklen_t *length)
{
    return getsockname(fd, address, length);
}

static int get_remote(int fd, struct sockaddr *address, socklen_t *length)
{
    return getpeername(fd, address, length);
}

int bine_local_address(int fd, char *text, size_t size)
{
    return describe(fd, text, size, get_local);
}

int bine_remote_address(int fd, char *text, size_t size)
{
    return describe(fd, text, size, get_remote);
}
