/*
 * A chat room over TCP that anybody joins with telnet or nc.
 *
 * What is said goes into one broadcast channel; every client subscribes to it. A connection is two
 * tasks in a scope of their own: one reads the client's lines and says them, the other writes to
 * the client what the others say. When either ends, the scope ends the other.
 *
 * 1. Who says something never waits for who listens: a client that reads slowly misses lines, and
 *    is told how many; one that reads nothing for SEND_TIME is sent away.
 * 2. Only the channel puts lines in order: everybody sees them in the same one.
 * 3. Both tasks write to the socket; a lock keeps their lines whole.
 * 4. SIGTERM or SIGINT close the channel. What was said before is still written, then the second
 *    task of every connection ends, and with it the first. Who has not said his name by then, or
 *    takes CLOSE_TIME to read, is cancelled with the scope of all.
 */
#include <bine.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG = 1024,
    NAME_SIZE = 21,   /* of a name, with its end */
    INPUT_SIZE = 512, /* of a line that comes in */
    LINE_SIZE = 560,  /* of one that goes out */
    WHO_SIZE = 4096,
    KEPT_LINES = 256, /* for those who are slow */
    TRIES = 5,        /* to find a name */
    MOST_CLIENTS = 10000,
    MOST_WORKERS = 1024,
    TELNET_COMMAND = 255,
    TELNET_OPTION = 251, /* commands from here on have an option behind them */
    USAGE_ERROR = 2,
};
#define SEND_TIME    BINE_S(20)
#define CLOSE_TIME   BINE_S(2)
#define ACCEPT_AGAIN BINE_MS(20) /* after there was no descriptor, or no memory */

struct line {
    uint64_t from; /* the task that says it, which does not hear it again; 0: the room */
    char text[LINE_SIZE];
};

struct client {
    struct room *room;
    int fd;
    uint64_t number;
    char name[NAME_SIZE]; /* protected by room->members */
    bine_mutex writing;
    bine_subscriber(struct line) lines;
    bine_reader reader;
    char input[INPUT_SIZE];
    bool skips;                 /* the rest of a line that was too long */
    struct client *next, *prev; /* protected by room->members */
};

struct members {
    struct client *first;
};

struct room {
    bine_broadcast(struct line) lines;
    bine_guarded(struct members) members;
    bine_waitgroup joined;
};

/* --- telling --- */

/* To this client alone. 0 or -errno. */
__attribute__((format(printf, 2, 3))) static int tell(struct client *client, const char *format,
                                                      ...)
{
    char text[WHO_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof text)
        size = (int)sizeof text - 1;
    int error = bine_lock_until(&client->writing, bine_after(SEND_TIME));
    if (error)
        return error;
    BINE_WITHIN (SEND_TIME)
        error = bine_write_full(client->fd, text, (size_t)size);
    bine_unlock(&client->writing);
    return error;
}

/* To everybody but the one it is from. */
__attribute__((format(printf, 3, 4))) static void say(struct room *room, uint64_t from,
                                                      const char *format, ...)
{
    struct line line = {.from = from};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line.text, sizeof line.text, format, arguments);
    va_end(arguments);
    (void)bine_broadcast_send(room->lines, line); /* a closed room hears nothing any more */
}

/* The second task: writes what the others say. */
static int write_lines(struct client *client)
{
    struct line line;
    uint64_t missed;
    int error;
    while ((error = bine_broadcast_recv(client->lines, &line, &missed)) == 0) {
        if (missed > 0)
            error = tell(client, "* you have missed %llu lines\r\n", (unsigned long long)missed);
        if (!error && line.from != client->number)
            error = tell(client, "%s", line.text);
        if (error)
            return error;
    }
    return error;
}

/* --- members --- */

static bool name_is_free(const struct members *members, const char *name)
{
    for (const struct client *other = members->first; other; other = other->next)
        if (strcmp(other->name, name) == 0)
            return false;
    return true;
}

/* False if somebody has the name. */
static bool take_name(struct client *client, const char *name)
{
    bool taken = false;
    BINE_LOCKED (&client->room->members, members) {
        taken = name_is_free(members, name);
        if (taken)
            strcpy(client->name, name);
    }
    return taken;
}

static void enter(struct client *client)
{
    BINE_LOCKED (&client->room->members, members) {
        client->next = members->first;
        if (members->first)
            members->first->prev = client;
        members->first = client;
    }
}

static void leave(struct client *client)
{
    BINE_LOCKED (&client->room->members, members) {
        if (client->next)
            client->next->prev = client->prev;
        *(client->prev ? &client->prev->next : &members->first) = client->next;
    }
}

/* The names of all others. */
static int tell_members(struct client *client)
{
    char names[WHO_SIZE - 64] = "";
    size_t size = 0;
    BINE_LOCKED (&client->room->members, members) {
        for (struct client *other = members->first; other; other = other->next)
            if (other != client && other->name[0] && size + NAME_SIZE + 2 < sizeof names)
                size += (size_t)sprintf(names + size, "%s%s", size ? ", " : "", other->name);
    }
    return tell(client, size ? "* here are: %s\r\n" : "* nobody else is here\r\n", names);
}

/* --- lines that come in --- */

/* Takes out what telnet negotiates, and control characters. */
static void clean(char *line)
{
    char *to = line;
    for (unsigned char *at = (unsigned char *)line; *at; at++) {
        if (*at == TELNET_COMMAND && at[1]) {
            at++;
            if (*at >= TELNET_OPTION && at[1])
                at++;
        } else if (*at >= ' ' && *at < 127) {
            *to++ = (char)*at;
        } else if (*at >= 128 && *at < TELNET_OPTION) { /* UTF-8 */
            *to++ = (char)*at;
        }
    }
    *to = '\0';
}

/* 1; 0 or -errno: the client is gone. */
static int read_line(struct client *client, char **line)
{
    for (;;) {
        char *data;
        int result = bine_reader_line(&client->reader, line, NULL);
        if (result == -EMSGSIZE) {
            bine_reader_skip(&client->reader, (size_t)bine_reader_peek(&client->reader, 0, &data));
            if (!client->skips)
                (void)tell(client, "* a line has at most %d bytes\r\n", INPUT_SIZE);
            client->skips = true;
            continue;
        }
        if (result == 1 && client->skips) {
            client->skips = false; /* this was its end */
            continue;
        }
        if (result == 1)
            clean(*line);
        return result == -ENODATA ? 0 : result;
    }
}

static bool is_name(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && size < NAME_SIZE && !strpbrk(text, " ,<>/*");
}

/* False where it was no name, or was taken: the client has been told. */
static bool try_name(struct client *client, const char *text)
{
    if (!is_name(text))
        (void)tell(client, "* a name has 1 to %d letters and no spaces\r\n", NAME_SIZE - 1);
    else if (!take_name(client, text))
        (void)tell(client, "* %s is somebody else\r\n", text);
    else
        return true;
    return false;
}

static bool ask_name(struct client *client)
{
    char *line;
    for (int i = 0; i < TRIES; i++) {
        if (tell(client, "Your name? ") != 0 || read_line(client, &line) != 1)
            return false;
        if (try_name(client, line))
            return true;
    }
    return false;
}

static void change_name(struct client *client, const char *text)
{
    char before[NAME_SIZE];
    strcpy(before, client->name);
    if (try_name(client, text))
        say(client->room, 0, "* %s is now %s\r\n", before, client->name);
}

/* False: it was /quit. */
static bool obey(struct client *client, const char *command)
{
    if (strcmp(command, "/quit") == 0)
        return false;
    if (strcmp(command, "/who") == 0)
        (void)tell_members(client);
    else if (strncmp(command, "/name ", 6) == 0)
        change_name(client, command + 6);
    else
        (void)tell(client, "* there are /who, /name NEW and /quit\r\n");
    return true;
}

static void talk(struct client *client)
{
    char *line;
    while (read_line(client, &line) == 1) {
        if (line[0] == '/') {
            if (!obey(client, line))
                return;
        } else if (line[0]) {
            say(client->room, client->number, "<%s> %s\r\n", client->name, line);
        }
    }
}

/* --- a connection --- */

static void join(struct client *client)
{
    client->lines = bine_broadcast_subscribe(client->room->lines);
    if (!client->lines)
        return;
    say(client->room, client->number, "* %s has come\r\n", client->name);
    (void)tell_members(client);
    BINE_SCOPE (both, BINE_NEVER, NULL) {
        if (bine_scope_go(&both, write_lines, client) == 0)
            talk(client);
        bine_scope_cancel(&both, 0);
    }
    bine_broadcast_unsubscribe(client->lines);
    say(client->room, client->number, "* %s has left\r\n", client->name);
}

static void serve(struct room *room, int fd)
{
    struct client client = {.room = room, .fd = fd, .number = bine_id()};
    bine_reader_init(&client.reader, fd, client.input, sizeof client.input);
    enter(&client);
    if (ask_name(&client)) {
        bine_waitgroup_add(&room->joined, 1);
        join(&client);
        bine_waitgroup_done(&room->joined);
    }
    leave(&client);
    bine_close(fd);
}

/* --- the room --- */

static void accept_all(struct room *room, bine_scope *clients, int listener)
{
    while (bine_check() == 0) {
        int fd = bine_accept(listener);
        if (fd < 0)
            bine_sleep(ACCEPT_AGAIN);
        else if (bine_scope_go(clients, serve, room, fd) != 0)
            bine_close(fd);
    }
}

static int complain(const char *what, int error)
{
    fprintf(stderr, "chat: %s: %s\n", what, strerror(error));
    return EXIT_FAILURE;
}

static int open_room(struct room *room, bine_chan(int) stop, int listener)
{
    int error = 0, number;
    BINE_SCOPE (clients, BINE_NEVER, NULL) {
        bine_scope_limit(&clients, MOST_CLIENTS);
        bine_future(void) accepting = bine_async(accept_all, room, &clients, listener);
        error = accepting ? bine_recv(stop, &number) : -ENOMEM;
        bine_cancel(accepting);
        if (accepting)
            bine_await(accepting);
        say(room, 0, "* the room is closed\r\n");
        bine_broadcast_close(room->lines);
        (void)bine_waitgroup_wait_until(&room->joined, bine_after(CLOSE_TIME));
        bine_scope_cancel(&clients, 0);
    }
    return error ? complain("cannot start", -error) : EXIT_SUCCESS;
}

static int run(unsigned port)
{
    struct room room = {.lines = bine_broadcast_make(struct line, KEPT_LINES)};
    char address[64];
    snprintf(address, sizeof address, ":%u", port);
    bine_chan(int) stop = bine_signals((const int[]){SIGTERM, SIGINT}, 2);
    if (!room.lines || !stop)
        return complain("cannot start", errno);
    int listener = bine_listen(address, BACKLOG);
    if (listener < 0)
        return complain("cannot listen", -listener);
    if (bine_local_address(listener, address, sizeof address) == 0)
        fprintf(stderr, "chat: join by telnet, at %s\n", address);
    int result = open_room(&room, stop, listener);
    bine_close(listener);
    bine_chan_unref(stop);
    bine_broadcast_unref(room.lines);
    return result;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: chat [--port N] [--workers N]\n"
    "A chat room on TCP port N, 7070 if not said (0: any free one), until SIGTERM or\n"
    "SIGINT. Join it by telnet or nc.\n";

static unsigned parse_number(const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > most) {
        fprintf(stderr, "chat: a number from %ld to %ld, not '%s' (try --help)\n", least, most,
                text);
        exit(USAGE_ERROR);
    }
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},
        {"workers", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bine_pool_options pool = {.name = "chat"};
    unsigned port = 7070;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'p')
            port = parse_number(optarg, 0, 65535);
        else if (option == 'w')
            pool.workers = parse_number(optarg, 1, MOST_WORKERS);
        else if (option == 'h')
            return fputs(usage, stdout) < 0;
        else
            return USAGE_ERROR; /* getopt_long has said what is wrong */
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return USAGE_ERROR;
    }
    int error = bine_configure(&pool);
    return error ? complain("cannot start", -error) : bine_run(run, port);
}
