/*
 * Finding the file that a request means.
 *
 * 1. Nothing outside the directory is opened, whatever the target says and whatever lies in the
 *    directory: the kernel resolves the name and stops where it would leave (RESOLVE_BENEATH). So
 *    there is no check here that a change of the tree could outrun.
 * 2. Without that, before Linux 5.6, or where links are not wanted, the name is walked part by
 *    part, and neither ".." nor a link is taken.
 * 3. Nothing is waited for: a fifo is opened without a writer, seen to be one, and closed.
 */
#define _GNU_SOURCE
#include "httpd.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
    WALK_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    CHANGES = 100, /* of the tree, in the middle of opening, until it is given up */
};

static const char index_name[] = "index.html";

/* --- from a target to a path --- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* Skips "http://host" of a target that is a whole address. */
static struct text without_origin(struct text target)
{
    static const char scheme[] = "http://";
    const size_t scheme_size = sizeof scheme - 1;
    if (target.size <= scheme_size || strncasecmp(target.at, scheme, scheme_size) != 0)
        return target;
    const char *host = target.at + scheme_size, *end = target.at + target.size;
    const char *path = memchr(host, '/', (size_t)(end - host));
    return path ? (struct text){path, (size_t)(end - path)} : (struct text){"/", 1};
}

/* Writes the path, relative to the root, with what was encoded decoded. 200, 400 or 414. */
static int decode(struct text target, char *path, size_t size)
{
    target = without_origin(target);
    const char *at = target.at, *end = at + target.size;
    char *to = path, *last = path + size - sizeof index_name - 1;
    if (target.size == 0 || *at != '/')
        return 400;
    for (; at < end && *at != '?' && *at != '#'; at++) {
        char c = *at;
        if (c == '%') {
            int high = end - at > 2 ? hex_value(at[1]) : -1;
            int low = end - at > 2 ? hex_value(at[2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0)
                return 400;
            c = (char)(high << 4 | low);
            at += 2;
        }
        if (to == path && c == '/')
            continue;
        if (to == last)
            return 414;
        *to++ = c;
    }
    *to = '\0';
    return 200;
}

/* --- opening --- */

/* Returns a descriptor or -errno, like those below. */
static int open_beneath(int root, const char *path)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    for (int i = 0; i < CHANGES; i++) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != EINTR) /* EAGAIN: something was moved meanwhile */
            return -errno;
    }
    return -EAGAIN;
}

static int open_part(int directory, const char *part, int flags)
{
    if (strcmp(part, "..") == 0)
        return -EXDEV;
    int fd = openat(directory, *part ? part : ".", flags | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int open_by_walk(int root, const char *path)
{
    char rest[PATH_MAX], *part = rest, *slash;
    int directory = root;
    strcpy(rest, path); /* decode() has seen to its size */
    while ((slash = strchr(part, '/'))) {
        *slash = '\0';
        int next = open_part(directory, part, WALK_FLAGS);
        if (directory != root)
            close(directory);
        if (next < 0)
            return next;
        directory = next;
        part = slash + 1;
    }
    int fd = open_part(directory, part, OPEN_FLAGS);
    if (directory != root)
        close(directory);
    return fd;
}

static int open_path(int root, const char *path, bool no_links)
{
    int fd = no_links ? -ENOSYS : open_beneath(root, *path ? path : ".");
    return fd == -ENOSYS ? open_by_walk(root, path) : fd;
}

static int status_of_error(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EXDEV: /* it leads out: there is no such file here */
    case ELOOP:
        return 404;
    case EACCES:
    case EPERM:
    case ENXIO: /* a socket */
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
        return 503;
    default:
        return 500;
    }
}

static int open_file(int root, const char *path, bool no_links, struct file *file)
{
    file->fd = open_path(root, path, no_links);
    if (file->fd < 0)
        return status_of_error(-file->fd);
    if (fstat(file->fd, &file->stat) != 0)
        return 500;
    return S_ISREG(file->stat.st_mode) || S_ISDIR(file->stat.st_mode) ? 200 : 403;
}

static bool names_directory(const char *path)
{
    size_t length = strlen(path);
    return length == 0 || path[length - 1] == '/';
}

/* --- types --- */

static const char *type_of(const char *path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"xml", "application/xml"},
        {"pdf", "application/pdf"},
        {"wasm", "application/wasm"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"svg", "image/svg+xml"},
        {"ico", "image/x-icon"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
        {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
    };
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot + 1, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

int file_find(int root, const struct text *target, bool no_links, struct file *file)
{
    char path[PATH_MAX];
    file->fd = -1;
    int status = decode(*target, path, sizeof path);
    if (status != 200)
        return status;
    status = open_file(root, path, no_links, file);
    if (status == 200 && S_ISDIR(file->stat.st_mode)) {
        file_close(file);
        if (!names_directory(path))
            return 301;
        strcat(path, index_name); /* decode() has left room for it */
        status = open_file(root, path, no_links, file);
        if (status == 200 && S_ISDIR(file->stat.st_mode))
            status = 404;
    }
    if (status != 200)
        file_close(file);
    file->type = type_of(path);
    return status;
}

void file_close(struct file *file)
{
    if (file->fd >= 0)
        bine_close(file->fd);
    file->fd = -1;
}
