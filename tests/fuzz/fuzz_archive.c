/* An archive as the unpacker is handed it, already opened: whatever its bytes are, an entry that
 * comes out has a name that may be, and a type that is one of four. */
#include <sodium.h>

#include "fuzz.h"
#include "pack.h"
#include "squeeze.h"

struct feed {
    uint8_t *at;
    size_t len, room;
    int told;
};

static int take(void *arg, const void *data, size_t len, struct err *err)
{
    struct feed *f = arg;

    (void)err;
    if (len == 0)
        return 0;
    if (f->len + len > f->room && (f->at = realloc(f->at, f->room = 2 * (f->len + len))) == NULL)
        abort();
    memcpy(f->at + f->len, data, len);
    f->len += len;
    return 0;
}

static int give(void *arg, const void **data, size_t *len, struct err *err)
{
    struct feed *f = arg;

    (void)err;
    *data = f->at;
    *len = f->len;
    return f->told++ == 0 && f->len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed feed = {0};
    struct squeeze *s = NULL;
    struct pack_reader *r = NULL;
    struct pack_entry e;
    struct err err = {0};
    static char block[65536];

    if (size < 1 || sodium_init() == -1)
        return 0;
    if (data[0] % 8 == 0) { /* what is pressed is the fuzzer's, too */
        (void)take(&feed, data + 1, size - 1, NULL);
    } else {
        if (squeeze_new(&s, take, &feed, 1, 1, &err) == -1 ||
            squeeze_add(s, data + 1, size - 1, &err) == -1 || squeeze_end(s, &err) == -1)
            abort();
        squeeze_free(s);
    }
    if (pack_reader_new(&r, give, &feed, &err) == 0)
        while (pack_reader_entry(r, &e, &err) == 1) {
            if (pack_name_check(e.name, &err) == -1 || strchr("fdlh", (int)e.type) == NULL ||
                (e.mode & 06000) != 0)
                abort();
            while (pack_reader_data(r, block, sizeof block, &err) > 0)
                continue;
        }
    pack_reader_free(r);
    free(feed.at);
    return 0;
}
