#ifndef SETT_MANUAL_H
#define SETT_MANUAL_H
/* Pages of the manual, in man(7), that follow from tables: of commands and of settings. What
 * belongs to no table is written by hand (appliance/man). */
#include "help.h"

/** manual_main(more, date, out): sett(1): what there is and what all of it has in common. ${more}:
 * commands that are no operations. ${date}: of the page, as in 2026-11-27, or "". */
void manual_main(const struct help_command *more, const char *date, struct buf *out);

/** manual_noun(noun, more, date, out): sett-NOUN(1): each of its commands, what it takes, an
 * example. Return whether there is such a noun. */
bool manual_noun(const char *noun, const struct help_command *more, const char *date,
                 struct buf *out);

/** manual_conf(date, out): sett.conf(5): the form of the file, each key and each setting. */
void manual_conf(const char *date, struct buf *out);

/** manual_text(out, text): a text so that roff shows it as it is, whatever it begins with. */
void manual_text(struct buf *out, const char *text);

#endif
