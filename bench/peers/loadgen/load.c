/* The load: every connection asks again as soon as it has its answer, all by one thread and one
 * ring, so that the server and not the client is the limit. */
#define _GNU_SOURCE
#include "loadgen.h"
#include "ring.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_SIZE = 4096,
    BUCKET_NS = 100,
    BUCKETS = 2000000, /* the last one has all that is longer */
    PER_SOURCE = 5000, /* connections from one source address */
};
#define WARM_UP_NS INT64_C(500000000)
#define SILENCE_NS INT64_C(5000000000) /* without any answer: the server is stuck */

struct connection {
    int64_t asked; /* when, ns */
    size_t got;
    char answer[ANSWER_SIZE];
};

struct run {
    struct ring ring;
    const struct dialect *dialect;
    struct connection *connections;
    uint32_t *histogram;
    uint64_t count; /* of answers in this window */
};

/* --- dialects --- */

enum { ECHO_SIZE = 512 };
static char echo_message[ECHO_SIZE];

__attribute__((constructor)) static void fill_echo_message(void)
{
    for (size_t i = 0; i < ECHO_SIZE; i++)
        echo_message[i] = (char)(i * 7 + 1);
}

static ssize_t echo_answer(const char *data, size_t got)
{
    if (got < ECHO_SIZE)
        return 0;
    return memcmp(data, echo_message, ECHO_SIZE) == 0 ? ECHO_SIZE : -1;
}

const struct dialect dialect_echo = {"echo", echo_message, ECHO_SIZE, echo_answer};

static const char http_request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
static const char http_body[] = "Hello, World!";

/* The value of the header that says how long the body is, or -1. */
static long content_length(const char *head, const char *end)
{
    static const char name[] = "\r\ncontent-length:";
    for (; head + sizeof name < end; head++)
        if (*head == '\r' && strncasecmp(head, name, sizeof name - 1) == 0)
            return strtol(head + sizeof name - 1, NULL, 10);
    return -1;
}

static ssize_t http_answer(const char *data, size_t got)
{
    static const char status[] = "HTTP/1.1 200 ";
    const size_t body_size = sizeof http_body - 1;
    const char *head_end = memmem(data, got, "\r\n\r\n", 4);
    if (!head_end)
        return 0;
    const char *body = head_end + 4;
    if (strncmp(data, status, sizeof status - 1) != 0 ||
        content_length(data, body) != (long)body_size)
        return -1;
    if ((size_t)(data + got - body) < body_size)
        return 0;
    return memcmp(body, http_body, body_size) == 0 ? body - data + (ssize_t)body_size : -1;
}

const struct dialect dialect_http = {"http", http_request, sizeof http_request - 1, http_answer};

/* --- connections --- */

int dial(int port, unsigned index)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    from.sin_addr.s_addr = htonl(0x7f000101u + index / PER_SOURCE);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
        die("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    return fd;
}

void ask_each(const struct dialect *dialect, const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char answer[ANSWER_SIZE];
        size_t got = 0;
        ssize_t size;
        if (send(fds[i], dialect->request, dialect->request_size, MSG_NOSIGNAL) !=
            (ssize_t)dialect->request_size)
            die("send");
        while ((size = dialect->answer(answer, got)) == 0) {
            ssize_t more = recv(fds[i], answer + got, sizeof answer - got, 0);
            if (more <= 0)
                die("recv");
            got += (size_t)more;
        }
        if (size != (ssize_t)got)
            die_because("a wrong answer");
    }
}

/* --- the run --- */

enum { SENT, RECEIVED }; /* the lowest bit of a request's user data; above it the connection */

static struct io_uring_sqe *request(struct run *run, unsigned index, int opcode, const void *data,
                                    size_t size)
{
    struct io_uring_sqe *sqe = ring_request(&run->ring);
    sqe->opcode = (uint8_t)opcode;
    sqe->fd = (int)index;
    sqe->flags = IOSQE_FIXED_FILE;
    sqe->addr = (uint64_t)(uintptr_t)data;
    sqe->len = (uint32_t)size;
    return sqe;
}

static void receive(struct run *run, unsigned index)
{
    struct connection *connection = &run->connections[index];
    struct io_uring_sqe *sqe =
        request(run, index, IORING_OP_RECV, connection->answer + connection->got,
                sizeof connection->answer - connection->got);
    sqe->ioprio = IORING_RECVSEND_POLL_FIRST; /* the answer is not here yet */
    sqe->user_data = (uint64_t)index << 1 | RECEIVED;
}

static void ask(struct run *run, unsigned index, int64_t now)
{
    struct connection *connection = &run->connections[index];
    struct io_uring_sqe *sqe =
        request(run, index, IORING_OP_SEND, run->dialect->request, run->dialect->request_size);
    sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = (uint64_t)index << 1 | SENT;
    connection->asked = now;
    connection->got = 0;
    receive(run, index);
}

static void note_latency(struct run *run, int64_t ns)
{
    int64_t bucket = ns / BUCKET_NS;
    run->histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    run->count++;
}

static void handle(struct run *run, const struct io_uring_cqe *result, int64_t now)
{
    unsigned index = (unsigned)(result->user_data >> 1);
    struct connection *connection = &run->connections[index];
    if (result->res <= 0) {
        errno = -result->res;
        die(result->user_data & 1 ? "a receive failed" : "a send failed");
    }
    if ((result->user_data & 1) == SENT)
        return; /* a kernel that does not skip it */
    connection->got += (size_t)result->res;
    ssize_t size = run->dialect->answer(connection->answer, connection->got);
    if (size == 0 && connection->got < sizeof connection->answer) {
        receive(run, index);
        return;
    }
    if (size != (ssize_t)connection->got)
        die_because("a wrong answer");
    note_latency(run, now - connection->asked);
    ask(run, index, now);
}

static void run_until(struct run *run, int64_t end)
{
    struct io_uring_cqe result;
    for (int64_t now = now_ns(), last = now; now < end;) {
        ring_wait(&run->ring, end - now);
        now = now_ns();
        while (ring_take(&run->ring, &result)) {
            handle(run, &result, now);
            last = now;
        }
        if (now - last > SILENCE_NS)
            die_because("no answers any more");
    }
}

static double quantile_us(const struct run *run, double q)
{
    uint64_t left = (uint64_t)(q * (double)run->count);
    size_t bucket = 0;
    while (bucket < BUCKETS - 1 && run->histogram[bucket] <= left)
        left -= run->histogram[bucket++];
    return (double)bucket * BUCKET_NS / 1e3;
}

static void forget_answers(struct run *run)
{
    memset(run->histogram, 0, BUCKETS * sizeof *run->histogram);
    run->count = 0;
}

static struct window run_window(struct run *run, const struct server *server, int64_t length)
{
    forget_answers(run);
    int64_t used = server_cpu_ns(server), start = now_ns();
    run_until(run, start + length);
    int64_t took = now_ns() - start;
    used = server_cpu_ns(server) - used;
    if (run->count == 0)
        die_because("no answer in a whole window");
    double count = (double)run->count;
    return (struct window){count * 1e9 / (double)took, (double)used / 1e3 / count,
                           quantile_us(run, 0.50), quantile_us(run, 0.99)};
}

void load(const struct server *server, const struct dialect *dialect, unsigned count,
          int64_t window_ns, struct window *windows)
{
    struct run run = {.dialect = dialect};
    int *fds = calloc(count, sizeof *fds);
    run.connections = calloc(count, sizeof *run.connections);
    run.histogram = calloc(BUCKETS, sizeof *run.histogram);
    if (!fds || !run.connections || !run.histogram)
        die("no memory");
    for (unsigned i = 0; i < count; i++)
        fds[i] = dial(server->port, i);
    ring_open(&run.ring, 2 * count, 4 * count);
    ring_register(&run.ring, fds, count);
    for (unsigned i = 0; i < count; i++)
        ask(&run, i, now_ns());
    run_until(&run, now_ns() + WARM_UP_NS);
    for (int i = 0; i < MOST_WINDOWS; i++)
        windows[i] = run_window(&run, server, window_ns);
    close(run.ring.fd);
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
    free(run.histogram);
    free(run.connections);
    free(fds);
}
