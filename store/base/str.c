/* Bounded strings. Apart so that the unbounded functions of the C library are needed nowhere. */
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int str_copy(char *out, size_t size, const char *s)
{
    return str_copy_n(out, size, s, strlen(s));
}

int str_copy_n(char *out, size_t size, const char *s, size_t len)
{
    out[0] = '\0';
    if (len >= size || memchr(s, '\0', len) != NULL)
        return -1;
    memcpy(out, s, len);
    out[len] = '\0';
    return 0;
}

void str_cut(char *out, size_t size, const char *s)
{
    size_t len;

    out[0] = '\0';
    if (s == NULL)
        return;
    len = strnlen(s, size);
    if (len == size)
        for (len--; len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80; len--)
            ;
    (void)str_copy_n(out, size, s, len);
}

int str_format(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(out, size, fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < size)
        return 0;
    out[0] = '\0';
    return -1;
}

bool str_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower((unsigned char)*a) == lower((unsigned char)*b)) {
        a++;
        b++;
    }
    return lower((unsigned char)*a) == lower((unsigned char)*b);
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t len = strlen(s), end = strlen(suffix);

    return len >= end && strcmp(s + len - end, suffix) == 0;
}

int str_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (*s == '\0' || (s[0] == '0' && s[1] != '\0'))
        return -1;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        if (n > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
            return -1;
        n = n * 10 + (uint64_t)(*s - '0');
    }
    if (n < min || n > max)
        return -1;
    *out = n;
    return 0;
}

bool str_utf8(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + len;

    while (p < end) {
        unsigned c = *p++, more, min;
        if (c == 0)
            return false;
        if (c < 0x80)
            continue;
        if (c >= 0xc2 && c <= 0xdf)
            more = 1, min = 0x80, c &= 0x1f;
        else if (c >= 0xe0 && c <= 0xef)
            more = 2, min = 0x800, c &= 0x0f;
        else if (c >= 0xf0 && c <= 0xf4)
            more = 3, min = 0x10000, c &= 0x07;
        else
            return false;
        for (; more > 0; more--) {
            if (p == end || (*p & 0xc0) != 0x80)
                return false;
            c = c << 6 | (*p++ & 0x3f);
        }
        if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return false;
    }
    return true;
}

void str_lower(char *s)
{
    for (; *s != '\0'; s++)
        *s = (char)lower((unsigned char)*s);
}

bool str_has(const char *s, const char *part)
{
    size_t len = strlen(part);

    for (; len > 0; s++) {
        size_t i = 0;
        while (i < len && lower((unsigned char)s[i]) == lower((unsigned char)part[i]))
            i++;
        if (i == len)
            return true;
        if (*s == '\0')
            return false;
    }
    return true;
}

char *str_trim(char *s)
{
    char *end;

    while (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')
        s++;
    end = s + strlen(s);
    while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n'))
        end--;
    *end = '\0';
    return s;
}
