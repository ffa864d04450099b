/* Host names. */
#ifndef BINE_IO_NAME_H
#define BINE_IO_NAME_H

#include "io/address.h"
#include <netdb.h>

/* The addresses that an address text stands for, in the order to try them. */
struct names {
    union socket_address *address;
    int count;
};

/*
 * Finds the addresses of a host that is a name. May wait; a deadline or cancellation ends that.
 * 0 and at least one, to be freed by free(names->address); -EADDRNOTAVAIL (no such host),
 * -ENETUNREACH (nobody to ask), -ENOMEM, -ECANCELED, -ETIMEDOUT.
 */
int name_resolve(struct names *names, const struct address *address);

#endif
