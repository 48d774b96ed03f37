#ifndef SETT_CONF_H
#define SETT_CONF_H
/*
 * An INI file (sett.conf, a blueprint) read whole into a bounded list, in order; read with inih.
 * A comment is a line of its own that begins with # or ;. A value ends with its line and may hold
 * any of = : # ; so that a command stands as it is; blanks around it are cut.
 */
#include <stdint.h>
#include "err.h"

#define CONF_ROWS 256

struct conf_row {
    char section[32], name[64], value[512];
    int line;
};
struct conf {
    uint32_t count;
    struct conf_row rows[CONF_ROWS];
};

/** conf_read(conf, path, err): a bad line, a value too long or too many rows: ERR_INVALID with file
 * and line. A missing file is ERR_NOT_FOUND and leaves ${conf} empty. Return 0 or -1. */
int conf_read(struct conf *conf, const char *path, struct err *err);

/** conf_get(conf, section, name): the last value given, or NULL. It belongs to ${conf}; whoever
 * wants all values of a name that is given several times walks ${conf}'s rows. */
const char *conf_get(const struct conf *conf, const char *section, const char *name);

#endif
