#ifndef SETT_PRESEED_H
#define SETT_PRESEED_H
/*
 * /etc/sett/preseed.conf: the answers of somebody who is not there to be asked at the first boot.
 * An INI file like sett.conf, with a closed list of keys; sett-preseed.conf(5) names them.
 */
#include <stdio.h>

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "paths.h"

#define PRESEED_SECRET 512
#define PRESEED_KEPT   8

/* What is to be done with a line. */
enum preseed_kind {
    PRESEED_SETTING, /* a setting of the box */
    PRESEED_SECRET_FILE,
    PRESEED_RECOVERY, /* the public half of a recovery key */
    PRESEED_ADMIN,
    PRESEED_INIT /* sett init's own affair */
};

struct preseed_row {
    const char *section, *name;
    enum preseed_kind kind;
    const char *to; /* the setting or secret; the words that there are, as "new,restore"; or NULL */
    int (*check)(const char *value, struct err *err); /* or NULL */
};

struct preseed {
    char path[PATHS_SIZE];
    struct conf conf;
    struct {
        const struct preseed_row *row;
        char value[PRESEED_SECRET];
    } kept[PRESEED_KEPT]; /* what private files said, read while they could be */
    unsigned kept_count;
};

/** preseed_read(p, path, complaints, err): read the file and look at all of it before anything is
 * done: each line that cannot be is said to ${complaints}, with its number and what to do. A file
 * that others may read is refused. Return 0, or -1. */
int preseed_read(struct preseed *p, const char *path, FILE *complaints, struct err *err);

/** preseed_find(section, name): what a line means, or NULL. [settings] has a row for each setting:
 * ${to} is then the name itself. */
const struct preseed_row *preseed_find(const char *section, const char *name);

/** preseed_get(p, section, name): the value, or NULL. ${p} may be NULL. */
const char *preseed_get(const struct preseed *p, const char *section, const char *name);

/** preseed_is(p, section, name, value): whether it has this value. */
bool preseed_is(const struct preseed *p, const char *section, const char *name, const char *value);

/** preseed_secret(p, section, name): what the file said that this key names, or NULL. */
const char *preseed_secret(const struct preseed *p, const char *section, const char *name);

/** preseed_forget(p): wipe what is kept of secrets. */
void preseed_forget(struct preseed *p);

/** preseed_wipe(p, err): overwrite the file, and those in the folder preseed.d beside it, and
 * remove them. Fine if they are gone. Return 0 or -1. */
int preseed_wipe(const struct preseed *p, struct err *err);

#endif
