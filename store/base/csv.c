/* Cells of CSV. Apart because texts of strangers end in them (names, lines of logs), so that what
 * makes them harmless must stand once. */
#include "csv.h"

#include <string.h>

void csv_text(struct buf *out, const char *text, size_t len)
{
    (void)buf_byte(out, '"');
    if (len > 0 && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL)
        (void)buf_byte(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            (void)buf_byte(out, '"');
        (void)buf_byte(out, text[i]);
    }
    (void)buf_byte(out, '"');
}
