#ifndef SETT_HELP_H
#define SETT_HELP_H
/* What the rows say to people. All from the table, so that nothing is named that is not there. */
#include "op.h"

/* What an option of such a command means. */
struct help_option {
    const char *words; /* of the command; NULL: of all that have it and say nothing else */
    const char *name, *help;
};

/* A command that is no operation: "db dump", "run". */
struct help_command {
    const char *words, *help, *usage, *example; /* the last two may be NULL */
    const struct help_option *options;          /* ended by one without name; may be NULL */
};

/** help_option(options, words, name): what it means, or "". ${options} may be NULL. */
const char *help_option(const struct help_option *options, const char *words, const char *name);

/** help_words(op, out, size): "tenant create" of tenant.create; "" for what is only an endpoint.
 * ${out} holds it whole: 64 bytes are enough for every row. */
void help_words(const struct op *op, char *out, size_t size);

/** help_usage(op, out): append "sett tenant create name plan [options]". */
void help_usage(const struct op *op, struct buf *out);

/** help_text(op, out): append what `sett tenant create --help` shows. */
void help_text(const struct op *op, struct buf *out);

#endif
