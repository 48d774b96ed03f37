#ifndef SETT_AUDIT_EXPORT_H
#define SETT_AUDIT_EXPORT_H
/*
 * The audit as text to be taken away: a line an entry, with the chain's hashes, so that whoever has
 * it can check it without this box. NDJSON has the members of the API; CSV (RFC 4180) has them as
 * columns, the first row naming them. Both have one more: previous, the hash that an entry is
 * sealed to. How a hash is made of an entry is in store/FORMAT; of an entry in CSV, without the
 * apostrophe that a text has before = + - or @.
 */
#include "audit.h"
#include "buf.h"

enum audit_format { AUDIT_NDJSON, AUDIT_CSV };
extern const char *const audit_format_names[];

/* What is to be written: entries that are never changed, so the same twice. */
struct audit_span {
    uint64_t next, last; /* numbers; over once next is greater */
    uint8_t previous[32];
};

/** audit_span_find(txn, from_ms, until_ms, span, err): the entries from ${from_ms} to ${until_ms};
 * 0: from the first, to the last. As audit_first. Return 0 or -1. */
int audit_span_find(struct txn *txn, int64_t from_ms, int64_t until_ms, struct audit_span *span,
                    struct err *err);

/** audit_export_head(format, out): the line before all others, if the format has one. */
void audit_export_head(enum audit_format format, struct buf *out);

/** audit_export_some(txn, format, span, most, out, err): append the lines of the next ${most}
 * entries, or of what is left; ${span} goes on. Return 0 or -1. */
int audit_export_some(struct txn *txn, enum audit_format format, struct audit_span *span,
                      unsigned most, struct buf *out, struct err *err);

/* Lines of NDJSON being checked, whoever wrote them. All zero at the beginning. */
struct audit_check {
    uint64_t count, first, last; /* how many; the numbers of the first and the last */
    char hash[65];               /* of the last */
};

/** audit_check_line(check, line, len, err): that the next line is an entry, that it is the one
 * behind the line before, sealed to it, and that its hash is right. ERR_CORRUPT naming its number;
 * ERR_INVALID for a line that is no entry. Return 0 or -1. */
int audit_check_line(struct audit_check *check, const char *line, size_t len, struct err *err);

#endif
