/* Reading a private file by lines. Apart because each provider's import wants the same care. */
#include "private_lines.h"

#include <string.h>

#include <sodium.h>

#include "file.h"

#define FILE_MAX 16384

int private_lines(const char *path, struct buf *b, private_line *each, void *arg, struct err *err)
{
    unsigned number = 0;

    buf_init(b, FILE_MAX);
    if (file_private(path, err) == -1)
        return err->kind != ERR_FORBIDDEN
                   ? -1
                   : err_hint(err,
                              "chmod 600 %s, and make a new token: others may have read this one",
                              path);
    if (file_read(path, b, err) == -1)
        return -1;
    for (char *line = b->data, *next; line != NULL && *line != '\0'; line = next) {
        if ((next = strchr(line, '\n')) != NULL)
            *next++ = '\0';
        if (each(arg, line, ++number, path, err) == -1)
            return -1;
    }
    return 0;
}

void private_lines_forget(struct buf *b)
{
    if (b->data != NULL)
        sodium_memzero(b->data, b->cap);
    buf_free(b);
}
