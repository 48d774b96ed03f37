#ifndef SETT_CONTAINER_ENGINE_H
#define SETT_CONTAINER_ENGINE_H
/*
 * Container engines on other machines: Docker or Podman, asked over TLS or through SSH. A plan or a
 * blueprint names one, and its tenants live there (tenant.node). What it takes to be let in is
 * sealed: the secrets "engine:<id>:ca", ":certificate", ":key" (PEM) or ":seed" (SSH).
 */
#include "db.h"
#include "id.h"
#include "tenant.h"
#include "vault.h"

#define ENGINES_MOST   16
#define ENGINE_SOCKET  "/var/run/docker.sock" /* on its machine, when the address says none */
#define ENGINE_PEM_MAX 8000

enum container_engine_kind { ENGINE_TLS, ENGINE_SSH };
extern const char *const container_engine_kind_names[];

enum container_engine_state { ENGINE_UNTRIED, ENGINE_READY, ENGINE_AWAY };
extern const char *const container_engine_state_names[];

struct container_engine {
    char id[ID_SIZE];
    uint64_t number;      /* names its link: sett-engine@N */
    char name[32];        /* unique, a slug; never changed */
    uint32_t kind;        /* enum container_engine_kind */
    char url[256];        /* tcp://host:2376, ssh://user@host:22/path/of/its.sock */
    char publish[48];     /* IPv4 of its machine that ports are bound to; "": its loopback */
    char public_key[200]; /* ssh: ours, for its authorized_keys */
    char host_key[1100];  /* ssh: what it must prove to be: SHA256:… or the key itself; "": not
                             said yet, so it is not spoken to */
    uint32_t state;       /* enum container_engine_state */
    char problem[240], remedy[240]; /* why it is away, and what to do */
    char version[64];               /* "Docker 28.2.2" */
    int64_t checked_at, ready_at, created_at, updated_at;
};
extern const struct table container_engine_table; /* key id; unique: name */

/* An address in its parts. */
struct container_engine_address {
    char user[64], host[200], socket[108]; /* user, socket: of ssh */
    uint32_t port;
};

/** container_engine_address_read(kind, text, out, err): ERR_INVALID names what is wrong. 0 or -1.
 */
int container_engine_address_read(uint32_t *kind, const char *text,
                                  struct container_engine_address *out, struct err *err);

/** container_engine_secret_name(out, id, part): "engine:eng_…:key". */
void container_engine_secret_name(char out[96], const char *id, const char *part);

/** container_engine_new(txn, vault, engine, err): insert with a fresh id, number and times; for ssh
 * a key is made and sealed. ERR_QUOTA beyond ENGINES_MOST. Return 0 or -1. */
int container_engine_new(struct txn *txn, const struct vault *vault,
                         struct container_engine *engine, struct err *err);

/** container_engine_remove(txn, engine, err): with its secrets and what was raised about it;
 * ERR_CONFLICT "engine_in_use" while a tenant lives there or a plan names it. Return 0 or -1. */
int container_engine_remove(struct txn *txn, const struct container_engine *engine,
                            struct err *err);

/** container_engine_named(txn, name, engine, err): Return 1, 0 or -1. */
int container_engine_named(struct txn *txn, const char *name, struct container_engine *engine,
                           struct err *err);

/** container_engine_tenants(txn, name, out, err): how many tenants live there, up to 100,000. 0 or
 * -1. */
int container_engine_tenants(struct txn *txn, const char *name, uint64_t *out, struct err *err);

#endif
