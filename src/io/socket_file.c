#define _GNU_SOURCE
#include "io/socket_file.h"
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct socket_file {
    dev_t device; /* tell it from another one of that name */
    ino_t inode;
    char path[]; /* absolute, for the program may change its directory */
};

/* NULL when out of memory or where the directory is not known. */
static struct socket_file *make_file(const char *path)
{
    char directory[PATH_MAX] = "";
    if (path[0] != '/' && !getcwd(directory, sizeof directory))
        return NULL;
    size_t size = strlen(directory) + strlen(path) + 2;
    struct socket_file *file = malloc(sizeof *file + size);
    if (file)
        snprintf(file->path, size, "%s%s%s", directory, *directory ? "/" : "", path);
    return file;
}

/* True if it is a socket that nobody has: what a server leaves behind that did not end well. It is
 * asked as one for datagrams, so that a living server is not given a connection for that. */
static bool is_dead(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
}

int socket_file_bind(int fd, const struct sockaddr_un *address, struct socket_file **file)
{
    struct stat status;
    struct socket_file *made = make_file(address->sun_path);
    if (!made)
        return -ENOMEM;
    int error = bind_to(fd, address);
    if (error == -EADDRINUSE && is_dead(address) && unlink(address->sun_path) == 0)
        error = bind_to(fd, address);
    if (!error && lstat(made->path, &status) != 0)
        error = -errno;
    if (error) {
        free(made);
        return error;
    }
    made->device = status.st_dev;
    made->inode = status.st_ino;
    *file = made;
    return 0;
}

void socket_file_remove(struct socket_file *file)
{
    struct stat status;
    if (lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        unlink(file->path);
    free(file);
}
