/*
 * Addresses in Go's reading. Apart from libcurl's, because what cloudflared would refuse must be
 * refused here, and curl is kinder.
 */
#include "url.h"

#include <stdint.h>
#include <string.h>

#include "str.h"

#define LABEL_MAX 63

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of the scheme; 0: none; -1: a colon where no scheme can end. */
static int scheme_len(const char *url)
{
    for (size_t i = 0; url[i] != '\0'; i++) {
        if (letter(url[i]))
            continue;
        if (url[i] == ':')
            return i == 0 ? -1 : (int)i;
        if (i == 0 || !(digit(url[i]) || strchr("+-.", url[i]) != NULL))
            return 0;
    }
    return 0;
}

/* "user:pw@[::1]:80": Return 0 or -1. */
static int split_authority(const char *at, size_t len, struct url_parts *p)
{
    const char *end = at + len, *colon = NULL;

    for (const char *c = at; c < end; c++)
        if (*c == '@')
            at = c + 1;
    if (at < end && *at == '[') {
        const char *close = memchr(at, ']', (size_t)(end - at));
        if (close == NULL || (close + 1 < end && close[1] != ':'))
            return -1;
        p->host = at + 1;
        p->host_len = (size_t)(close - at - 1);
        colon = close + 1 < end ? close + 1 : NULL;
    } else {
        for (const char *c = at; c < end; c++)
            if (*c == ':')
                colon = c;
        p->host = at;
        p->host_len = (size_t)((colon == NULL ? end : colon) - at);
        if (memchr(at, ' ', len > (size_t)(end - at) ? (size_t)(end - at) : len) != NULL)
            return -1;
    }
    if (colon == NULL)
        return 0;
    p->port = colon + 1;
    p->port_len = (size_t)(end - colon - 1);
    for (size_t i = 0; i < p->port_len; i++)
        if (!digit(p->port[i]))
            return -1;
    return 0;
}

int url_split(const char *url, struct url_parts *p)
{
    int scheme = scheme_len(url);
    const char *rest;
    size_t len;

    memset(p, 0, sizeof *p);
    for (const char *c = url; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return -1;
    if (scheme == -1)
        return -1;
    p->scheme = url;
    p->scheme_len = (size_t)scheme;
    rest = scheme == 0 ? url : url + scheme + 1;
    if (scheme > 0 && *rest != '/') /* opaque: "localhost:1" */
        return 0;
    if (scheme == 0 && *rest != '/') { /* a path; its first segment may not look like a scheme */
        len = strcspn(rest, "/?#");
        if (memchr(rest, ':', len) != NULL)
            return -1;
    }
    if (str_starts(rest, "//")) {
        rest += 2;
        len = strcspn(rest, "/?#");
        if (split_authority(rest, len, p) == -1)
            return -1;
        rest += len;
    }
    p->path = rest;
    p->path_len = strcspn(rest, "?#");
    rest += p->path_len;
    if (*rest == '?') {
        p->query = rest + 1;
        p->query_len = strcspn(rest + 1, "#");
    }
    return 0;
}

static int hex(char c)
{
    if (digit(c))
        return c - '0';
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

int url_unescape(const char *s, size_t len, char *out, size_t size, size_t *out_len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (n + 1 >= size)
            return -1;
        if (c == '%') {
            if (i + 2 >= len || hex(s[i + 1]) == -1 || hex(s[i + 2]) == -1)
                return -1;
            c = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *out_len = n;
    return 0;
}

/* ---- Punycode: RFC 3492, section 6 ---- */

#define BASE 36u
#define TMIN 1u
#define TMAX 26u
#define SKEW 38u
#define DAMP 700u

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static char basic(uint32_t d)
{
    return (char)(d < 26 ? 'a' + d : '0' + d - 26);
}

/* One character of UTF-8 that was checked before. */
static uint32_t next_point(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    unsigned more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? s[0] : s[0] & (0x3fu >> more);

    for (unsigned i = 1; i <= more; i++)
        point = point << 6 | (s[i] & 0x3fu);
    *at += more + 1;
    return point;
}

/* The digits that one number becomes. Return their count, or 0 when they do not fit. */
static size_t put_number(char *out, size_t room, uint32_t number, uint32_t bias)
{
    size_t n = 0;

    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        if (n == room)
            return 0;
        if (number < t) {
            out[n++] = basic(number);
            return n;
        }
        out[n++] = basic(t + (number - t) % (BASE - t));
        number = (number - t) / (BASE - t);
    }
}

/* Encode the points of one label behind "xn--". Return the length, or 0. */
static size_t encode_label(const uint32_t *points, size_t count, char *out, size_t room)
{
    uint32_t n = 128, delta = 0, bias = 72;
    size_t done = 0, len = 0, begun;

    for (size_t i = 0; i < count; i++)
        if (points[i] < 128 && len < room)
            out[len++] = (char)points[i];
    done = begun = len;
    if (begun > 0 && len < room)
        out[len++] = '-';
    for (; done < count; n++, delta++) {
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < count; i++)
            if (points[i] >= n && points[i] < least)
                least = points[i];
        delta += (least - n) * (uint32_t)(done + 1);
        n = least;
        for (size_t i = 0; i < count; i++) {
            size_t digits;
            if (points[i] < n)
                delta++;
            if (points[i] != n)
                continue;
            if ((digits = put_number(out + len, room - len, delta, bias)) == 0)
                return 0;
            len += digits;
            bias = adapt(delta, (uint32_t)done + 1, done == begun);
            delta = 0;
            done++;
        }
    }
    return len;
}

static size_t put_label(const char *label, size_t len, char *out, size_t room)
{
    uint32_t points[LABEL_MAX * 2];
    const char *at = label;
    size_t count = 0, n;
    bool ascii = true;

    while (at < label + len) {
        if (count == sizeof points / sizeof points[0])
            return 0;
        points[count] = next_point(&at);
        if (points[count] >= 'A' && points[count] <= 'Z')
            points[count] += 'a' - 'A';
        ascii = ascii && points[count] < 128;
        count++;
    }
    if (room < count + 4)
        return 0;
    if (ascii) {
        for (size_t i = 0; i < count; i++)
            out[i] = (char)points[i];
        return count;
    }
    memcpy(out, (const char[]){'x', 'n', '-', '-'}, 4);
    n = encode_label(points, count, out + 4, room - 4);
    return n == 0 ? 0 : n + 4;
}

int url_punycode(const char *host, char *out, size_t size)
{
    size_t at = 0;

    if (!str_utf8(host, strlen(host)))
        return -1;
    for (;;) {
        size_t len = strcspn(host, "."), n = 0;
        if (len > 0 && (n = put_label(host, len, out + at, size - at - 1)) == 0)
            return -1;
        at += n;
        host += len;
        if (*host == '\0')
            break;
        if (at + 2 >= size)
            return -1;
        out[at++] = *host++;
    }
    out[at] = '\0';
    return 0;
}
