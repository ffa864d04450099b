/* The file that a listening Unix socket is known by. It goes with the socket. */
#ifndef BINE_IO_SOCKET_FILE_H
#define BINE_IO_SOCKET_FILE_H

#include <sys/un.h>

struct socket_file;

/* Binds the socket to the address, in place of a socket file that nobody answers on. `*file` is the
 * file from then on. 0 or -errno. */
int socket_file_bind(int fd, const struct sockaddr_un *address, struct socket_file **file);

/* Removes the file, unless another stands there by now, and frees what is known of it. */
void socket_file_remove(struct socket_file *file);

#endif
