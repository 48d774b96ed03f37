/* What comes back from a vault: compared with what was sent, or kept. Apart because two drivers
 * ask. */
#include "place_compare.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#define BLOCK 65536

void place_compare_begin(struct place_compare *c, int fd, uint64_t length)
{
    *c = (struct place_compare){.fd = fd, .length = length};
}

int place_compare_take(void *arg, const void *data, size_t len, struct err *err)
{
    struct place_compare *c = arg;
    const char *at = data;
    char block[BLOCK];

    while (len > 0) {
        size_t want = len < BLOCK ? len : BLOCK;
        ssize_t n = pread(c->fd, block, want, (off_t)c->at);

        if (n == -1)
            return err_sys(err, "vault_compare", errno, "the file that was sent");
        if (n == 0 || c->at + (uint64_t)n > c->length || memcmp(block, at, (size_t)n) != 0)
            return err_set(err, ERR_CORRUPT, "vault_changed",
                           "what was sent comes back changed behind byte %llu",
                           (unsigned long long)c->at);
        c->at += (uint64_t)n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int place_compare_end(const struct place_compare *c, const char *name, struct err *err)
{
    return c->at == c->length
               ? 0
               : err_set(err, ERR_CORRUPT, "vault_short", "%s has %llu bytes there, and not %llu",
                         name, (unsigned long long)c->at, (unsigned long long)c->length);
}

int place_fetch_take(void *arg, const void *data, size_t len, struct err *err)
{
    struct place_fetch *f = arg;

    f->got += len;
    return file_write_all(f->fd, data, len) == 0
               ? 0
               : err_sys(err, "vault_fetch", errno, "what comes from the vault");
}
