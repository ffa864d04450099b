/*
 * A connection and its task: requests are read, answered, and read again.
 *
 * 1. A client has a limited time for everything: the head of a request as a whole, each piece of an
 *    answer, and the silence between two requests. It cannot hold a connection by dripping bytes.
 * 2. Requests that came together lie together in the input; they are answered in turn.
 * 3. A connection is idle only while it waits for the first byte of a request. When the server
 *    stops, idle ones are shut for reading, and end as if the client had closed; a request that
 *    has come is still read and answered. Both sides write their mark, then read the other's, so
 *    that none stays idle unseen.
 * 4. Who is sent away with an error may still be sending. Closing at once would reset the
 *    connection and lose the answer: so its bytes are read for a moment.
 */
#include "httpd.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { LINGER_BYTES = 256 * 1024 };
#define LINGER_TIME BINE_S(1)

bool connection_send(struct connection *connection, const char *data, size_t size)
{
    int error = 0;
    BINE_WITHIN (connection->server->options->send_time)
        error = bine_write_full(connection->fd, data, size);
    return error == 0;
}

static ssize_t receive(struct connection *connection, bine_time deadline)
{
    ssize_t size = 0;
    BINE_UNTIL (deadline)
        size = bine_read(connection->fd, connection->input + connection->filled,
                         INPUT_SIZE - connection->filled);
    if (size > 0)
        connection->filled += (size_t)size;
    return size;
}

/* Waits for the first byte of a request. False: the connection is over. */
static bool await_request(struct connection *connection)
{
    struct server *server = connection->server;
    /* seq_cst, here and in connections_stop(): see 3. above. */
    atomic_store(&connection->idle, true);
    if (atomic_load(&server->stopping))
        shutdown(connection->fd, SHUT_RD); /* what is there already can still be read */
    ssize_t size = receive(connection, bine_after(server->options->idle_time));
    atomic_store(&connection->idle, false);
    return size > 0;
}

/* Reads a request. Returns 200, the status of an error, or 0: the connection is over. *used: how
 * much of the input it is. */
static int read_request(struct connection *connection, struct reader *reader,
                        struct request *request, size_t *used)
{
    size_t fed = 0, taken;
    *used = 0;
    reader_begin(reader);
    if (connection->filled == 0 && !await_request(connection))
        return 0;
    bine_time deadline = bine_after(connection->server->options->head_time);
    for (;;) {
        int status =
            reader_feed(reader, connection->input + fed, connection->filled - fed, &taken, request);
        *used = fed + taken;
        if (status)
            return status;
        fed = connection->filled;
        if (connection->filled == INPUT_SIZE)
            return 431;
        ssize_t size = receive(connection, deadline);
        if (size <= 0)
            return size == -ETIMEDOUT ? 408 : 0;
    }
}

static void linger(struct connection *connection)
{
    size_t left = LINGER_BYTES;
    ssize_t size = 1;
    shutdown(connection->fd, SHUT_WR);
    BINE_WITHIN (LINGER_TIME)
        while (size > 0 && left > (size_t)size) {
            left -= (size_t)size;
            size = bine_read(connection->fd, connection->input, INPUT_SIZE);
        }
}

static void serve_requests(struct connection *connection, struct reader *reader)
{
    for (;;) {
        struct request request = {0};
        size_t used;
        int status = read_request(connection, reader, &request, &used);
        if (status == 0)
            return;
        if (status != 200) {
            answer_status(connection, request.method_name ? &request : NULL, status);
            break;
        }
        if (!answer_request(connection, &request))
            break;
        connection->filled -= used;
        memmove(connection->input, connection->input + used, connection->filled);
    }
    linger(connection);
}

/* --- all of them --- */

static void enter(struct connection *connection)
{
    BINE_LOCKED (&connection->server->connections, all) {
        connection->next = all->first;
        if (all->first)
            all->first->prev = connection;
        all->first = connection;
    }
}

static void leave(struct connection *connection)
{
    BINE_LOCKED (&connection->server->connections, all) {
        if (connection->next)
            connection->next->prev = connection->prev;
        *(connection->prev ? &connection->prev->next : &all->first) = connection->next;
    }
}

void connections_count(struct server *server, int change)
{
    BINE_LOCKED (&server->connections, all) {
        all->count += (unsigned)change;
        if (all->count == 0 && atomic_load(&server->stopping))
            bine_event_set(&server->all_gone);
    }
}

void connections_stop(struct server *server)
{
    atomic_store(&server->stopping, true);
    BINE_LOCKED (&server->connections, all) {
        for (struct connection *connection = all->first; connection; connection = connection->next)
            if (atomic_load(&connection->idle))
                shutdown(connection->fd, SHUT_RD);
        if (all->count == 0)
            bine_event_set(&server->all_gone);
    }
}

void connection_serve(struct server *server, int fd)
{
    struct connection connection;
    connection.server = server;
    connection.fd = fd;
    connection.filled = 0;
    connection.prev = NULL;
    atomic_init(&connection.idle, false);
    struct reader *reader = reader_new();
    if (reader && bine_remote_address(fd, connection.peer, sizeof connection.peer) == 0) {
        enter(&connection);
        serve_requests(&connection, reader);
        leave(&connection);
    }
    reader_free(reader);
    bine_close(fd);
    connections_count(server, -1);
}
