/*
 * The machine's own id, made ours. Apart because worker and hands, which share no memory and no
 * store, must come to the same answer, each from what it alone may write.
 */
#include "machine.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "file.h"
#include "str.h"

#define ID_DIGITS 32
#define KEY       "sett: which machine a box is on"

/* The first line of a file, trimmed, if it is so many hex digits. */
static int read_digits(const char *path, char out[ID_DIGITS + 1])
{
    struct err ignored;
    struct buf b;
    int got = 0;

    out[0] = '\0';
    buf_init(&b, 256);
    if (file_read(path, &b, &ignored) == 0 && b.data != NULL)
        got = str_copy(out, ID_DIGITS + 1, str_trim(b.data)) == 0 && strlen(out) == ID_DIGITS &&
              strspn(out, "0123456789abcdef") == ID_DIGITS;
    buf_free(&b);
    if (!got)
        out[0] = '\0';
    return got;
}

int machine_id(const struct paths *paths, char out[MACHINE_SIZE])
{
    char path[PATHS_SIZE + 32], digits[ID_DIGITS + 1];
    uint8_t digest[(MACHINE_SIZE - 1) / 2];

    out[0] = '\0';
    (void)str_format(path, sizeof path, "%s/etc/machine-id", paths->root);
    if (!read_digits(path, digits) ||
        crypto_generichash(digest, sizeof digest, (const uint8_t *)digits, ID_DIGITS,
                           (const uint8_t *)KEY, sizeof KEY - 1) != 0)
        return 0;
    enc_hex(out, digest, sizeof digest);
    return 1;
}

int machine_read(const char *path, char out[MACHINE_SIZE])
{
    return read_digits(path, out);
}

int machine_write(const char *path, const char *id, struct err *err)
{
    char line[MACHINE_SIZE + 2];

    return str_format(line, sizeof line, "%s\n", id) == -1
               ? err_set(err, ERR_INTERNAL, "machine", "the id of this machine does not fit")
               : file_write(path, line, strlen(line), 0644, err);
}
