/* Addresses as text: "host:port", "[v6]:port", ":port", "udp:...", "unix:path". */
#ifndef BINE_IO_ADDRESS_H
#define BINE_IO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

enum { HOST_SIZE = 256 /* a name of the domain system has 253 characters at most */ };

/* An address taken apart. */
struct address {
    bool is_udp;
    bool is_unix;
    uint16_t port;
    char host[HOST_SIZE];         /* "": any address */
    union socket_address numeric; /* where the host is none that must be asked for */
    bool is_numeric;              /* so, or unix, or any */
};

/* 0 or -EINVAL. */
int address_parse(struct address *address, const char *text);

/* The size that the kernel wants to know. */
socklen_t address_size(const union socket_address *address);

/* Writes an address as text. 0, or -ENAMETOOLONG if it does not fit. */
int address_format(const union socket_address *address, socklen_t length, char *text, size_t size);

#endif
