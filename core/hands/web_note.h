#ifndef SETT_WEB_NOTE_H
#define SETT_WEB_NOTE_H
/* Which web server is in front of the box, how it is asked and told: what `sett web-server enable`
 * noted, else [web] of sett.conf. Read anew whenever it is needed: it may change at any time. */
#include "conf.h"
#include "err.h"

struct web_note {
    char kind[16];       /* "nginx" where nobody says */
    char test[512];      /* command that checks its configuration; "": none */
    char reload[512];    /* command that loads it; "": SIGHUP to ${pid} */
    char pid[256];       /* its pid file, or "" */
    char key_group[64];  /* may read the certificate's key; "": root reads it */
    char error_log[256]; /* "": none of its own */
};

/** web_note_read(n, path, conf, err): ${path}: struct paths' web_note; ${conf}: sett.conf, asked
 * where there is no note; NULL: all empty then. Return 1 (noted), 0 (not), or -1. */
int web_note_read(struct web_note *n, const char *path, const struct conf *conf, struct err *err);

#endif
