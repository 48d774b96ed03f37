/* What a snapshot's header, and a manifest, may say: the first byte picks which. What of a header
 * is read was signed, so little of it is reached but the fields; nothing may be read beyond its
 * end. */
#include <stdio.h>

#include <sodium.h>

#include "fuzz.h"
#include "manifest.h"
#include "seal.h"

static void header(const uint8_t *data, size_t size)
{
    struct seal_header h;
    struct err err = {0};
    uint8_t key[32];

    if (seal_header_size(data, size, &err) == size && seal_header_read(data, size, &h, &err) == 0)
        (void)seal_header_open(data, size, &h, (const uint8_t *)"0123456789abcdef0123456789abcdef",
                               NULL, key, &err);
}

static void manifest(const uint8_t *data, size_t size)
{
    struct manifest_reader *r = malloc(sizeof *r);
    struct manifest_entry *e = malloc(sizeof *e);
    FILE *in = size == 0 ? NULL : fmemopen((void *)(uintptr_t)data, size, "r");
    struct err err = {0};

    if (r != NULL && e != NULL && in != NULL && manifest_open(r, in, &err) == 0)
        while (manifest_next(r, e, &err) == 1)
            if (strlen(e->name) > PACK_NAME_MAX || strlen(e->target) > PACK_NAME_MAX)
                abort();
    if (in != NULL)
        (void)fclose(in);
    free(e);
    free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size < 1 || sodium_init() == -1)
        return 0;
    if ((copy = malloc(size)) == NULL)
        abort();
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 2 == 0)
        header(copy, size - 1);
    else
        manifest(copy, size - 1);
    free(copy);
    return 0;
}
