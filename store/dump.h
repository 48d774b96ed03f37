#ifndef SETT_DUMP_H
#define SETT_DUMP_H
/* What the dump and its loader agree on. store/FORMAT describes the text. */
#include "buf.h"
#include "table.h"

#define DUMP_LINE_MAX ((size_t)1 << 20)
#define DUMP_TABLES   127

/** dump_line(table, record, out): empty ${out} and write a record's line, without its newline.
 * Return 0, or -1 if the buffer failed. */
int dump_line(const struct table *table, const void *record, struct buf *out);

/** dump_order(schema, out): the tables in the order of their bytes; how many. */
size_t dump_order(const struct schema *schema, const struct table *out[DUMP_TABLES]);

#endif
