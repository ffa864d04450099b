/* The header Range. Of several parts asked for at once, none is singled out: all of it is sent,
 * as the standard allows. */
#include "httpd.h"
#include <ctype.h>
#include <stdint.h>
#include <strings.h>

/* Reads digits; false where there are none or too many. */
static bool read_number(const char **at, const char *end, off_t *number)
{
    const char *begin = *at;
    *number = 0;
    for (; *at < end && isdigit((unsigned char)**at); ++*at) {
        if (*number > (INT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return *at > begin;
}

/* The last `count` bytes. */
static int choose_end(off_t count, off_t size, struct range *range)
{
    if (count == 0 || size == 0)
        return 416;
    range->size = count < size ? count : size;
    range->first = size - range->size;
    return 206;
}

static int choose_part(off_t first, off_t last, off_t size, struct range *range)
{
    if (first >= size)
        return 416;
    range->first = first;
    range->size = (last < size ? last + 1 : size) - first;
    return 206;
}

int range_choose(const struct text *header, off_t size, struct range *range)
{
    static const char unit[] = "bytes=";
    const size_t unit_size = sizeof unit - 1;
    const char *at = header->at, *end = at + header->size;
    off_t first, last = INT64_MAX;
    *range = (struct range){0, size};
    if (header->size <= unit_size || strncasecmp(at, unit, unit_size) != 0)
        return 200;
    at += unit_size;
    if (*at == '-') {
        at++;
        return read_number(&at, end, &last) && at == end ? choose_end(last, size, range) : 200;
    }
    if (!read_number(&at, end, &first) || at == end || *at++ != '-')
        return 200;
    if (at < end && (!read_number(&at, end, &last) || at < end || last < first))
        return 200;
    return choose_part(first, last, size, range);
}
