#ifndef SETT_WEB_SERVER_H
#define SETT_WEB_SERVER_H
/*
 * The web server in front of a box: what the template of each kind is filled in with, and where the
 * result goes. Whatever kind it is, the facts are the same.
 */
#include <stdbool.h>
#include "buf.h"
#include "cli.h"
#include "kv.h"
#include "prefix.h"

/* A kind of web server, as Debian packages it. */
struct web_kind {
    const char *name;      /* "nginx": of its folder in share, its service, the command's word */
    const char *file;      /* where our configuration goes */
    const char *link;      /* the link that makes it count; NULL: ${main} imports it */
    const char *first;     /* the link where ours is to be the default: sorts before all others */
    const char *main;      /* its own configuration, which is to import ours; or NULL */
    const char *test;      /* command that checks the whole configuration */
    const char *reload;    /* command that loads it, where no systemd runs */
    const char *modules;   /* command that enables what ours needs; NULL: none */
    const char *user;      /* it runs as this user from its start, who needs the key; NULL: root */
    const char *pid;       /* its pid file, or "" */
    const char *error_log; /* "" where it has none of its own */
};
extern const struct web_kind web_kinds[]; /* ended by one without a name */

/** web_kind_find(name, err): NULL with ERR_INVALID when there is none of that name. */
const struct web_kind *web_kind_find(const char *name, struct err *err);

/* What was said on the command line instead of the settings web.*; NULL: what is set. */
struct web_wish {
    const char *listen, *http_port, *https_port, *tls, *default_server;
    const char *web; /* folder of the pages; NULL: what ships */
};

/* What the settings say, as text. */
struct web_said {
    char url[512], domain[512], trusted[512], listen[512], http_port[16], https_port[16], tls[16],
        is_default[16];
};

/* Which setting is which member. */
struct web_said_row {
    const char *name; /* "box.url" */
    size_t offset, size;
};
extern const struct web_said_row web_said_rows[];
extern const size_t web_said_count;

/** web_said_read(cli, wish, said, err): out of the store, or of ${wish}. The box must be open.
 * Return 0 or -1. */
int web_said_read(struct cli *cli, const struct web_wish *wish, struct web_said *said,
                  struct err *err);

/** web_said_check(said, err): each value as its setting may be. What root makes of them must not
 * rest on who has read or written the store. Return 0 or -1. */
int web_said_check(const struct web_said *said, struct err *err);

/** web_facts(cli, kind, web, said, facts, err): the values of the placeholders, out of ${said},
 * sett.conf and paths. ${web}: the folder of the pages; NULL: what ships. Return 0 or -1. */
int web_facts(const struct cli *cli, const struct web_kind *kind, const char *web,
              const struct web_said *said, struct kv *facts, struct err *err);

/** web_text(cli, kind, facts, out, err): the configuration. ${out} is initialised here and to be
 * freed. Return 0 or -1. */
int web_text(const struct cli *cli, const struct web_kind *kind, const struct kv *facts,
             struct buf *out, struct err *err);

/** web_pages(web, prefix, to, err): the pages of the folder ${web} with all their addresses below
 * ${prefix}, into the folder ${to}: a page cannot know where it is. Return 0 or -1. */
int web_pages(const char *web, const char *prefix, const char *to, struct err *err);

/** web_run(command, text, size, err): run a command line of struct web_kind, its output, cut to
 * ${size} bytes, in ${text}, which may be NULL. Return its exit code or -1. */
int web_run(const char *command, char *text, size_t size, struct err *err);

#endif
