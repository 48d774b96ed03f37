#ifndef SETT_FORGE_TAR_H
#define SETT_FORGE_TAR_H
/* An archive that says whatever a test wants: the product's own writer refuses to. */
#include "squeeze.h"
#include "snapshot_world.h"

static inline void tar_octal(char *at, size_t size, uint64_t value)
{
    for (at[size - 1] = '\0', size--; size-- > 0; value /= 8)
        at[size] = (char)('0' + value % 8);
}

/* The header of one member; names of at most 100 bytes. */
static inline void tar_header(char h[512], const struct pack_entry *e)
{
    unsigned sum = 0;

    memset(h, 0, 512);
    memcpy(h, e->name, strlen(e->name));
    tar_octal(h + 100, 8, e->mode);
    tar_octal(h + 108, 8, e->uid);
    tar_octal(h + 116, 8, e->gid);
    tar_octal(h + 124, 12, e->size);
    tar_octal(h + 136, 12, (uint64_t)e->mtime_s);
    h[156] = e->type == PACK_FOLDER     ? '5'
             : e->type == PACK_SYMLINK  ? '2'
             : e->type == PACK_HARDLINK ? '1'
                                        : '0';
    if (e->target != NULL)
        memcpy(h + 157, e->target, strlen(e->target));
    memcpy(h + 257, "ustar\00000", 8);
    memset(h + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)h[i];
    tar_octal(h + 148, 7, sum);
}

static inline void tar_member(struct squeeze *z, const struct pack_entry *e, const char *data)
{
    static const char zeros[512];
    char h[512];
    struct err err = {0};

    tar_header(h, e);
    assert_int_equal(squeeze_add(z, h, sizeof h, &err), 0);
    if (e->size > 0) {
        assert_int_equal(squeeze_add(z, data, e->size, &err), 0);
        assert_int_equal(squeeze_add(z, zeros, (512 - e->size % 512) % 512, &err), 0);
    }
}

static inline void tar_end(struct squeeze *z)
{
    static const char zeros[1024];
    struct err err = {0};

    assert_int_equal(squeeze_add(z, zeros, sizeof zeros, &err), 0);
    assert_int_equal(squeeze_end(z, &err), 0);
}

#endif
