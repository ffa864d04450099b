/*
 * A server that answers what it was told, whatever is asked: answers FILE... sends each FILE to one
 * connection, the next when the one before has been closed, and ends behind the last. Without a FILE
 * it accepts connections and is silent, until it is killed. It prints the port that it was given.
 * It is no test, and uses nothing of bine.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 16, LONGEST_S = 300 };

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        err(EXIT_FAILURE, "cannot listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static int accept_one(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        err(EXIT_FAILURE, "cannot accept");
    return fd;
}

/* To close a connection whose question was not read would reset it, and the answer might be lost. */
static void read_to_the_end(int fd)
{
    char rest[4096];
    while (read(fd, rest, sizeof rest) > 0)
        ;
}

static void answer(int fd, const char *path)
{
    int file = open(path, O_RDONLY);
    if (file < 0)
        err(EXIT_FAILURE, "%s", path);
    while (sendfile(fd, file, NULL, 65536) > 0)
        ;
    close(file);
    shutdown(fd, SHUT_WR);
    read_to_the_end(fd);
    close(fd);
}

int main(int argc, char **argv)
{
    int listener = listen_anywhere();
    signal(SIGPIPE, SIG_IGN);
    alarm(LONGEST_S);
    for (int i = 1; i < argc; i++)
        answer(accept_one(listener), argv[i]);
    while (argc == 1)
        accept_one(listener);
    return EXIT_SUCCESS;
}
