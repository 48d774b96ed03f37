/*
 * Engines on other machines: their table, and what must hold of an address. Apart from settings,
 * since there may be several, each with an identity of its own, and tenants that live there.
 */
#include "container_engine.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "notice.h"
#include "plan.h"
#include "setting.h"
#include "ssh_key.h"
#include "str.h"

#define TLS_PORT 2376
#define SSH_PORT 22

const char *const container_engine_kind_names[] = {"tls", "ssh", NULL};
const char *const container_engine_state_names[] = {"untried", "ready", "away", NULL};

#define E struct container_engine
static const struct field rows[] = {
    FIELD(E, id, FIELD_ID, .ref_prefix = "eng", .help = "the engine"),
    FIELD(E, number, FIELD_U64, .help = "its number"),
    FIELD(E, name, FIELD_TEXT, .flags = FIELD_SLUG, .help = "its name, for plans and blueprints"),
    FIELD(E, kind, FIELD_ENUM, .names = container_engine_kind_names, .help = "tls or ssh"),
    FIELD(E, url, FIELD_TEXT, .help = "tcp://host:2376 or ssh://user@host:22/path/of/its.sock"),
    FIELD(E, publish, FIELD_TEXT,
          .help = "address of its machine that tenants' ports are bound to; empty: its loopback"),
    FIELD(E, public_key, FIELD_TEXT, .help = "ssh: the box's key, for its authorized_keys"),
    FIELD(E, host_key, FIELD_TEXT, .help = "ssh: what its machine must prove to be"),
    FIELD(E, state, FIELD_ENUM, .names = container_engine_state_names,
          .help = "untried, ready or away"),
    FIELD(E, problem, FIELD_TEXT, .help = "why it is away"),
    FIELD(E, remedy, FIELD_TEXT, .help = "what to do about that"),
    FIELD(E, version, FIELD_TEXT, .help = "what it is"),
    FIELD(E, checked_at, FIELD_TIME, .help = "last asked at"),
    FIELD(E, ready_at, FIELD_TIME, .help = "last answered at"),
    FIELD(E, created_at, FIELD_TIME, .help = "added at"),
    FIELD(E, updated_at, FIELD_TIME, .help = "changed at"),
};
static const struct index indexes[] = {
    {.name = "name", .id = 254, .unique = true, .fields = {"name"}},
};
const struct table container_engine_table = {
    .name = "engines",
    .noun = "engine",
    .id = 97,
    .version = 1,
    .prefix = "eng",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(E)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "engine", .beside = {"checked_at", "ready_at"}},
};

/* ---- addresses ---- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static int bad_address(const char *text, struct err *err)
{
    (void)err_field(err, "url", "engine_url", "\"%.150s\" is no address of an engine", text);
    return err_hint(err, "tcp://host:2376 with a certificate, or ssh://user@host");
}

/* "host" or "host:port" up to ${len}. */
static int read_host(const char *at, size_t len, uint32_t port,
                     struct container_engine_address *out)
{
    const char *colon = memchr(at, ':', len);
    size_t host = colon == NULL ? len : (size_t)(colon - at);
    char digits[8];
    uint64_t n = port;

    if (host == 0 || str_copy_n(out->host, sizeof out->host, at, host) == -1 ||
        out->host[0] == '-' || out->host[strspn(out->host, LETTERS ".-")] != '\0')
        return -1;
    if (colon != NULL && (str_copy_n(digits, sizeof digits, colon + 1, len - host - 1) == -1 ||
                          str_u64(digits, 1, 65535, &n) == -1))
        return -1;
    out->port = (uint32_t)n;
    return 0;
}

static int read_ssh(const char *at, struct container_engine_address *out)
{
    const char *sign = strchr(at, '@'), *host = sign == NULL ? at : sign + 1;
    size_t len = strcspn(host, "/");
    const char *path = host + len;

    if (sign == NULL || str_copy_n(out->user, sizeof out->user, at, (size_t)(sign - at)) == -1 ||
        out->user[0] == '\0' || out->user[0] == '-' ||
        out->user[strspn(out->user, LETTERS "._-")] != '\0')
        return -1;
    if (path[0] == '\0' || str_equal(path, "/"))
        path = ENGINE_SOCKET;
    if (path[strspn(path, LETTERS "/._-")] != '\0' || strstr(path, "/..") != NULL ||
        str_copy(out->socket, sizeof out->socket, path) == -1)
        return -1;
    return read_host(host, len, SSH_PORT, out);
}

int container_engine_address_read(uint32_t *kind, const char *text,
                                  struct container_engine_address *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (str_starts(text, "ssh://")) {
        *kind = ENGINE_SSH;
        return read_ssh(text + 6, out) == 0 ? 0 : bad_address(text, err);
    }
    *kind = ENGINE_TLS;
    if (!str_starts(text, "tcp://") || strchr(text + 6, '/') != NULL ||
        read_host(text + 6, strlen(text + 6), TLS_PORT, out) == -1)
        return bad_address(text, err);
    return 0;
}

/* ---- the record ---- */

void container_engine_secret_name(char out[96], const char *id, const char *part)
{
    (void)str_format(out, 96, "engine:%s:%s", id, part);
}

int container_engine_named(struct txn *txn, const char *name, struct container_engine *engine,
                           struct err *err)
{
    char wanted[sizeof engine->name];

    if (str_copy(wanted, sizeof wanted, name) == -1)
        return 0;
    memset(engine, 0, sizeof *engine);
    (void)str_copy(engine->name, sizeof engine->name, wanted);
    return record_find(txn, &container_engine_table, "name", engine, err);
}

/* A key of its own for each: who loses one machine changes one key. */
static int make_key(struct txn *txn, const struct vault *vault, struct container_engine *engine,
                    struct err *err)
{
    uint8_t seed[SSH_KEY_SEED];
    char text[64], name[96], comment[48];
    int rc = -1;

    randombytes_buf(seed, sizeof seed);
    (void)str_format(comment, sizeof comment, "sett-%s", engine->name);
    container_engine_secret_name(name, engine->id, "seed");
    if (ssh_key_public(engine->public_key, seed, comment) == -1 ||
        enc_base64(text, sizeof text, seed, sizeof seed) == -1)
        (void)err_set(err, ERR_INTERNAL, "ssh_key", "no key could be made");
    else
        rc = secret_set(txn, vault, name, text, strlen(text), err);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return rc;
}

int container_engine_new(struct txn *txn, const struct vault *vault,
                         struct container_engine *engine, struct err *err)
{
    struct container_engine other;
    uint64_t highest = 0;
    unsigned count = 0;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &container_engine_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    for (; (got = scan_next(&scan, &other, err)) == 1; count++)
        highest = other.number > highest ? other.number : highest;
    if (got == -1)
        return -1;
    if (count >= ENGINES_MOST)
        return err_set(err, ERR_QUOTA, "engines_most", "a box has at most %d engines elsewhere",
                       ENGINES_MOST);
    id_make(engine->id, container_engine_table.prefix);
    engine->number = highest + 1;
    engine->created_at = engine->updated_at = txn_time_ms(txn);
    if (engine->kind == ENGINE_SSH && make_key(txn, vault, engine, err) == -1)
        return -1;
    return record_insert(txn, &container_engine_table, engine, err);
}

int container_engine_tenants(struct txn *txn, const char *name, uint64_t *out, struct err *err)
{
    struct tenant tenant;
    struct scan scan;
    int got = 1;

    *out = 0;
    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (*out < 100000 && (got = scan_next(&scan, &tenant, err)) == 1)
        *out += tenant.state != TENANT_DELETED && str_equal(tenant.node, name) &&
                tenant_elsewhere(&tenant) && !str_equal(tenant.runtime, "proxmox");
    return got == -1 ? -1 : 0;
}

/* The plan that sells tenants there: its name. Return 1, 0 or -1. */
static int plan_of(struct txn *txn, const char *engine, char out[32], struct err *err)
{
    struct plan plan;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &plan, err)) == 1)
        if (str_equal(plan.engine, engine))
            return str_copy(out, 32, plan.name) == 0 ? 1 : -1;
    return got;
}

int container_engine_remove(struct txn *txn, const struct container_engine *engine, struct err *err)
{
    static const char *const parts[] = {"ca", "certificate", "key", "seed", NULL};
    struct secret secret;
    uint64_t tenants;
    char plan[32];
    int found;

    if (container_engine_tenants(txn, engine->name, &tenants, err) == -1 ||
        (found = plan_of(txn, engine->name, plan, err)) == -1)
        return -1;
    if (tenants > 0) {
        (void)err_set(err, ERR_CONFLICT, "engine_in_use", "%llu tenant%s on engine %s",
                      (unsigned long long)tenants, tenants == 1 ? " lives" : "s live",
                      engine->name);
        return err_hint(err, "delete them first: sett tenant list");
    }
    if (found == 1) {
        (void)err_set(err, ERR_CONFLICT, "engine_in_use", "plan %s sells tenants on engine %s",
                      plan, engine->name);
        return err_hint(err, "sett plan update %s --engine ''", plan);
    }
    for (size_t i = 0; parts[i] != NULL; i++) {
        memset(&secret, 0, sizeof secret);
        container_engine_secret_name(secret.name, engine->id, parts[i]);
        if (record_delete(txn, &secret_table, &secret, err) < 0)
            return -1;
    }
    if (notice_clear_subject(txn, "engine", engine->id, err) == -1)
        return -1;
    return record_delete(txn, &container_engine_table, engine, err) < 0 ? -1 : 0;
}
