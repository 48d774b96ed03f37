#ifndef SETT_DRIFT_ACTUAL_H
#define SETT_DRIFT_ACTUAL_H
/* What is there now, as far as it bears this box's mark: on this machine, as the hands say, and at
 * Cloudflare. Read with no transaction open, before the records are. */
#include "drift.h"
#include "outside.h"

/* One line of the hands' inventory. */
struct actual_thing {
    uint32_t kind;         /* enum drift_kind: RUNTIME, FOLDER, CONNECTOR, ROUTE */
    uint64_t number;       /* of the tenant; connectors and routes: of the tunnel */
    char *line;            /* holds the words; owned */
    const char *name;      /* RUNTIME: the runtime; ROUTE: the host name; else "" */
    const char *state;     /* RUNTIME, CONNECTOR: as said; ROUTE: open or maintenance; else "" */
    const char *tenant_id; /* RUNTIME: "-" if not said */
    const char *id;        /* RUNTIME: the engine's own; ROUTE: the port */
};

struct drift_actual {
    int64_t at; /* wall, before the first look */
    char box_id[ID_SIZE];
    struct actual_thing *things; /* by kind, number, line */
    size_t thing_count, thing_room;
    bool hands_read;
    char unread[400];                  /* "docker: the engine is down; …" */
    char unread_runtimes[400];         /* ",docker,docker@x,": nothing is concluded of these */
    bool runtimes_unread;              /* one of them is there and could not be asked */
    struct cloudflare_tunnel *tunnels; /* by id */
    size_t tunnel_count, tunnel_room;
    struct cloudflare_record *records; /* those whose comment begins with our mark, by id */
    size_t record_count, record_room;
    char zone[CLOUDFLARE_ID_SIZE]; /* that the records are of */
    bool cloudflare_read;
};

/** drift_actual_look(a, outside, box_id, err): ask the hands and, if it is set up, Cloudflare. What
 * cannot be read is noted in unread and is no error. Return 0, or -1 (no memory). */
int drift_actual_look(struct drift_actual *a, struct outside *outside, const char *box_id,
                      struct err *err);

/** drift_actual_unread(a, what, why): note that something could not be read. */
void drift_actual_unread(struct drift_actual *a, const char *what, const char *why);

/** drift_actual_free(a): give the memory back. */
void drift_actual_free(struct drift_actual *a);

/** drift_actual_things(a, kind, number, count): those of this kind and number; NULL for none. */
const struct actual_thing *drift_actual_things(const struct drift_actual *a, enum drift_kind kind,
                                               uint64_t number, size_t *count);

/** drift_actual_tunnel(a, id): the provider's tunnel of this id, or NULL. */
const struct cloudflare_tunnel *drift_actual_tunnel(const struct drift_actual *a, const char *id);

/** drift_actual_record(a, id): our record of this id, or NULL. */
const struct cloudflare_record *drift_actual_record(const struct drift_actual *a, const char *id);

/** drift_actual_reads(a, runtime): whether what was said of this runtime is the whole of it. */
bool drift_actual_reads(const struct drift_actual *a, const char *runtime);

#endif
