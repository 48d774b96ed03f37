#ifndef SETT_CSV_H
#define SETT_CSV_H
/* Texts as cells of CSV (RFC 4180): in quotes, a quote within doubled. */
#include <stddef.h>

#include "buf.h"

/** csv_text(out, text, len): append one. What a spreadsheet would take for a formula gets an
 * apostrophe before it (OWASP, "CSV Injection"). */
void csv_text(struct buf *out, const char *text, size_t len);

#endif
