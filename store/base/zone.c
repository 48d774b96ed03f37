/*
 * Local time of a named zone. Apart because it reads files that nothing else reads, and because
 * setenv("TZ") is no way to ask for one in a program with threads.
 */
#include "zone.h"

#include <stdbool.h>
#include <string.h>

#include "buf.h"
#include "enc.h"
#include "file.h"
#include "str.h"

#define FOLDER    "/usr/share/zoneinfo"
#define HEAD      44u
#define FILE_MOST 65536u

/* A block of a TZif file: its counts, and where its data begin. */
struct block {
    uint32_t isut, isstd, leap, times, types, chars;
    const uint8_t *data;
    size_t time_size; /* bytes of a time: 4, or 8 in the second block */
};

static int read_block(const uint8_t *at, const uint8_t *end, size_t time_size, struct block *b,
                      size_t *len)
{
    if ((size_t)(end - at) < HEAD || memcmp(at, "TZif", 4) != 0)
        return -1;
    b->isut = enc_get32(at + 20);
    b->isstd = enc_get32(at + 24);
    b->leap = enc_get32(at + 28);
    b->times = enc_get32(at + 32);
    b->types = enc_get32(at + 36);
    b->chars = enc_get32(at + 40);
    b->data = at + HEAD;
    b->time_size = time_size;
    if (b->isut > FILE_MOST || b->isstd > FILE_MOST || b->leap > FILE_MOST ||
        b->times > FILE_MOST || b->types > 256 || b->types == 0 || b->chars > FILE_MOST)
        return -1;
    *len = HEAD + b->times * (time_size + 1) + b->types * 6u + b->chars +
           b->leap * (time_size + 4) + b->isstd + b->isut;
    return (size_t)(end - at) < *len ? -1 : 0;
}

static int64_t time_at(const struct block *b, uint32_t i)
{
    const uint8_t *p = b->data + i * b->time_size;

    return b->time_size == 8 ? (int64_t)enc_get64(p) : (int32_t)enc_get32(p);
}

/* The type that holds at a time: that of the last change before it, else the first. */
static int32_t offset_at(const struct block *b, int64_t at_s)
{
    const uint8_t *types = b->data + b->times * (b->time_size + 1);
    uint32_t low = 0, high = b->times;
    uint8_t type;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (time_at(b, middle) <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    type = low == 0 ? 0 : b->data[b->times * b->time_size + low - 1];
    return type >= b->types ? 0 : (int32_t)enc_get32(types + type * 6u);
}

static bool sound(const char *name)
{
    return name[0] != '/' && name[0] != '.' && strstr(name, "..") == NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_/") ==
               strlen(name);
}

int zone_offset(const char *name, int64_t at_ms, int32_t *offset_s, struct err *err)
{
    char path[160];
    struct block block;
    struct buf file;
    struct err why;
    size_t len = 0;
    int result = -1;

    *offset_s = 0;
    if (name[0] == '\0' || str_equal(name, "UTC"))
        return 0;
    buf_init(&file, FILE_MOST);
    if (sound(name) && str_format(path, sizeof path, FOLDER "/%s", name) == 0 &&
        file_read(path, &file, &why) == 0) {
        const uint8_t *at = (const uint8_t *)file.data, *end = at + file.len;

        result = read_block(at, end, 4, &block, &len);
        if (result == 0 && at[4] >= '2') /* the same again with longer times */
            result = read_block(at + len, end, 8, &block, &len);
        if (result == 0)
            *offset_s = offset_at(&block, at_ms / 1000);
    }
    buf_free(&file);
    return result == 0 ? 0
                       : err_set(err, ERR_INVALID, "zone_unknown",
                                 "\"%.60s\" is no time zone of this system", name);
}
