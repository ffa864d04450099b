/*
 * However the bytes of a stream arrive, a reader gives the same lines and records; too long a line,
 * and one without an end, are told apart and lose nothing.
 */
#include "test_support/net.h"
#include <bine/reader.h>

enum { BUFFER = 32, PORTIONS = 5 };

static const size_t portions[PORTIONS] = {1, 2, 7, 30, 1000};

struct feed {
    int fd;
    const char *text;
    size_t length, portion;
};

static int feed(const struct feed *feed)
{
    for (size_t sent = 0; sent < feed->length; sent += feed->portion) {
        size_t rest = feed->length - sent;
        size_t size = rest < feed->portion ? rest : feed->portion;
        CHECK_EQ(bine_write_full(feed->fd, feed->text + sent, size), 0);
        bine_yield();
    }
    CHECK_EQ(shutdown(feed->fd, SHUT_WR), 0);
    return 0;
}

static void check_line(bine_reader *reader, const char *expected)
{
    char *line;
    size_t length;
    CHECK_EQ(bine_reader_line(reader, &line, &length), 1);
    CHECK_EQ(length, strlen(expected));
    CHECK(strcmp(line, expected) == 0);
}

static void read_lines(bine_reader *reader)
{
    char *data;
    char record[64] = "";
    check_line(reader, "first");
    check_line(reader, "");
    check_line(reader, "with a return");
    CHECK_EQ(bine_reader_until(reader, ';', &data), 4);
    CHECK(memcmp(data, "a=1;", 4) == 0);
    CHECK(bine_reader_peek(reader, 3, &data) >= 3);
    CHECK(memcmp(data, "xyz", 3) == 0);
    CHECK_EQ(bine_reader_skip(reader, 2), 0);
    CHECK_EQ(bine_reader_full(reader, record, 5), 5);
    CHECK(memcmp(record, "z1234", 5) == 0);
    CHECK_EQ(bine_reader_full(reader, record, 40), 40); /* more than the buffer */
    CHECK(memcmp(record, "0123456789012345678901234567890123456789", 40) == 0);
    check_line(reader, "0123456789012345678901234567890"); /* as long as may be */
}

static void read_faulty(bine_reader *reader)
{
    char *data, text[64];
    CHECK_EQ(bine_reader_line(reader, &data, NULL), -EMSGSIZE);
    CHECK_EQ(bine_reader_line(reader, &data, NULL), -EMSGSIZE);
    CHECK_EQ(bine_reader_peek(reader, 0, &data), BUFFER);
    CHECK_EQ(bine_reader_skip(reader, BUFFER + 1), -EINVAL);
    CHECK_EQ(bine_reader_skip(reader, BUFFER), 0);
    check_line(reader, "!");
    CHECK_EQ(bine_reader_line(reader, &data, NULL), -ENODATA);
    CHECK_EQ(bine_reader_until(reader, 0, &data), -ENODATA);
    CHECK_EQ(bine_reader_peek(reader, 20, &data), 3);
    CHECK_EQ(bine_reader_full(reader, text, 20), 3);
    CHECK(memcmp(text, "end", 3) == 0);
    CHECK_EQ(bine_reader_line(reader, &data, NULL), 0);
    CHECK_EQ(bine_reader_read(reader, text, 1), 0);
    CHECK_EQ(bine_reader_peek(reader, 1, &data), 0);
}

static int check_with(size_t portion)
{
    static const char text[] = "first\n\nwith a return\r\na=1;xyz1234"
                               "0123456789012345678901234567890123456789"
                               "0123456789012345678901234567890\n"
                               "01234567890123456789012345678901!\nend";
    char buffer[BUFFER];
    int ends[2];
    bine_reader reader;
    net_pair(ends);
    struct feed from = {ends[1], text, sizeof text - 1, portion};
    bine_future(int) feeder = bine_async(feed, &from);
    CHECK(feeder);
    CHECK_EQ(bine_reader_init(&reader, ends[0], buffer, sizeof buffer), 0);
    read_lines(&reader);
    read_faulty(&reader);
    CHECK_EQ(bine_await(feeder), 0);
    net_close(ends);
    return 0;
}

static void refuse_bad_arguments(void)
{
    char buffer[BUFFER], *data;
    bine_reader reader;
    CHECK_EQ(bine_reader_init(&reader, 0, buffer, 0), -EINVAL);
    CHECK_EQ(bine_reader_init(&reader, 0, NULL, 1), -EINVAL);
    CHECK_EQ(bine_reader_init(NULL, 0, buffer, 1), -EINVAL);
    CHECK_EQ(bine_reader_init(&reader, -1, buffer, BUFFER), 0);
    CHECK_EQ(bine_reader_until(&reader, 256, &data), -EINVAL);
    CHECK_EQ(bine_reader_until(&reader, -1, &data), -EINVAL);
    CHECK_EQ(bine_reader_until(&reader, 0, NULL), -EINVAL);
    CHECK_EQ(bine_reader_peek(&reader, BUFFER + 1, &data), -EINVAL);
    CHECK_EQ(bine_reader_skip(&reader, 1), -EINVAL);
    CHECK_EQ(bine_reader_line(&reader, &data, NULL), -EBADF);
}

int main(void)
{
    refuse_bad_arguments();
    for (int i = 0; i < PORTIONS; i++) {
        CHECK_EQ(bine_run(check_with, portions[i]), 0);
        check_with(portions[i]);
    }
    return 0;
}
