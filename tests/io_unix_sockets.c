/*
 * A listening Unix socket takes the place of a file that a dead server left, never of one that
 * somebody answers on or of another kind of file; closing it removes its own file only.
 */
#include "test_support/net.h"
#include "test_support/scratch.h"
#include <sys/stat.h>
#include <sys/un.h>

static char path[80], address[80];

static bool is_there(void)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* What a server that was killed leaves behind. */
static void leave_dead_socket(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    CHECK(is_there());
}

static int check_all(void)
{
    char text[128];
    leave_dead_socket();
    CHECK_EQ(bine_dial(address), -ECONNREFUSED);
    int listener = bine_listen(address, 4);
    CHECK(listener >= 0);
    CHECK_EQ(bine_listen(address, 4), -EADDRINUSE); /* somebody answers */
    CHECK(is_there());
    int client = bine_dial(address), server = bine_accept(listener);
    CHECK(client >= 0 && server >= 0);
    CHECK_EQ(bine_local_address(server, text, sizeof text), 0);
    CHECK(strcmp(text, address) == 0);
    CHECK_EQ(bine_remote_address(server, text, sizeof text), 0);
    CHECK(strcmp(text, "unix:") == 0); /* it has no name */
    CHECK_EQ(bine_write(client, "hello", 5), 5);
    CHECK_EQ(bine_read(server, text, sizeof text), 5);
    CHECK_EQ(bine_close(client), 0);
    CHECK_EQ(bine_read(server, text, sizeof text), 0);
    CHECK_EQ(bine_close(server), 0);
    CHECK(is_there());
    CHECK_EQ(bine_close(listener), 0);
    CHECK(!is_there());
    CHECK_EQ(bine_dial(address), -ENOENT);

    int file = bine_open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(file >= 0);
    CHECK_EQ(bine_listen(address, 4), -EADDRINUSE);
    CHECK(is_there());
    CHECK_EQ(unlink(path), 0);
    listener = bine_listen(address, 4);
    CHECK(listener >= 0);
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(bine_close(bine_open(path, O_CREAT | O_WRONLY, 0600)), 0);
    CHECK_EQ(bine_close(listener), 0);
    CHECK(is_there()); /* not its own */
    CHECK_EQ(unlink(path), 0);
    CHECK_EQ(bine_close(file), 0);
    return 0;
}

int main(void)
{
    scratch_make();
    scratch_path(path, "", "socket");
    scratch_path(address, "unix:", "socket");
    CHECK_EQ(bine_run(check_all), 0);
    CHECK_EQ(check_all(), 0);
    scratch_remove();
    return 0;
}
