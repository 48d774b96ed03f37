/*
 * Engines on other machines, as records and secrets become something that can be asked. Apart from
 * the other providers because there may be many, and because the way to one may have to be made
 * first: by the hands, whose ssh outlives this program.
 */
#include "engines.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "hands_link.h"
#include "outside.h"
#include "runtime_docker.h"
#include "setting.h"
#include "ssh_scan.h"
#include "str.h"

#define HANDS_MS   20000
#define CONNECT_MS 1000
#define LINK_MS    12000 /* until a link that was begun must take connections */
#define LOOK_MS    100
#define LOG_LINES  6
#define PATH_MOST  260 /* of a link's socket */

/* ---- from the store ---- */

static int read_part(struct txn *txn, const struct vault *vault, const char *id, const char *part,
                     char *out, size_t size, struct err *err)
{
    char name[96];
    struct buf plain;
    int found;

    container_engine_secret_name(name, id, part);
    buf_init(&plain, size - 1);
    found = secret_get(txn, vault, name, &plain, err);
    if (found == 1 && str_copy_n(out, size, plain.data, plain.len) == -1)
        found = err_set(err, ERR_INVALID, "secret_invalid", "the secret %s is not a text", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found == -1 ? -1 : 0;
}

static int read_one(struct engine_at *e, struct txn *txn, const struct vault *vault,
                    struct err *err)
{
    const struct container_engine *r = &e->record;
    uint32_t kind;

    if (container_engine_address_read(&kind, r->url, &e->address, &e->why) == -1)
        return 0;
    if (r->kind == ENGINE_SSH)
        return read_part(txn, vault, r->id, "seed", e->seed, sizeof e->seed, err);
    if (read_part(txn, vault, r->id, "ca", e->ca, sizeof e->ca, err) == -1 ||
        read_part(txn, vault, r->id, "certificate", e->certificate, sizeof e->certificate, err) ==
            -1)
        return -1;
    return read_part(txn, vault, r->id, "key", e->key, sizeof e->key, err);
}

int engines_read(struct engines **out, struct txn *txn, const struct vault *vault, struct err *err)
{
    struct engines *e = NULL;
    struct container_engine record;
    struct scan scan;
    int got;

    *out = NULL;
    if (scan_start(&scan, txn, &container_engine_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &record, err)) == 1 && (e == NULL || e->count < ENGINES_MOST)) {
        if (e == NULL && (e = calloc(1, sizeof *e)) == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for engines");
        e->at[e->count].record = record;
        (void)pthread_mutex_init(&e->at[e->count].lock, NULL);
        if (read_one(&e->at[e->count++], txn, vault, err) == -1) {
            got = -1;
            break;
        }
    }
    if (got == -1) {
        engines_free(e);
        return -1;
    }
    *out = e;
    return 0;
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
    (void)crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

void engines_print(const struct engines *e, uint8_t out[32])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, 32);
    for (unsigned i = 0; e != NULL && i < e->count; i++) {
        const struct engine_at *at = &e->at[i];
        hash_text(&state, at->record.id);
        hash_text(&state, at->record.name);
        hash_text(&state, at->record.url);
        hash_text(&state, at->record.publish);
        hash_text(&state, at->record.host_key);
        hash_text(&state, at->ca);
        hash_text(&state, at->certificate);
        hash_text(&state, at->key);
        hash_text(&state, at->seed);
    }
    (void)crypto_generichash_final(&state, out, 32);
}

/* Where the engine's own socket comes out here. */
static void socket_of(const struct engine_at *e, const struct paths *paths, char out[PATH_MOST])
{
    char folder[PATH_MOST - sizeof HANDS_LINK_SOCKET];

    if (hands_link_folder(paths, e->record.number, folder, sizeof folder) == -1 ||
        str_format(out, PATH_MOST, "%s/" HANDS_LINK_SOCKET, folder) == -1)
        out[0] = '\0';
}

static void make_one(struct engine_at *e, const struct paths *paths, const char *pool)
{
    char socket[PATH_MOST], base[260];
    struct runtime_docker_setup setup = {
        .pool = pool,
        .box_id = "",
        .name = e->record.name,
        .publish = e->record.publish[0] == '\0' ? NULL : e->record.publish};

    if (e->why.kind != ERR_NONE)
        return;
    if (e->record.kind == ENGINE_SSH) {
        socket_of(e, paths, socket);
        setup.socket = socket;
    } else {
        (void)str_format(base, sizeof base, "https://%s:%u", e->address.host, e->address.port);
        e->identity = (struct http_identity){e->ca, e->certificate, e->key};
        setup.base = base;
        setup.identity = &e->identity;
    }
    if (runtime_docker_new(&e->docker, &setup, &e->why) == -1)
        e->docker.self = NULL;
}

void engines_make(struct engines *e, const struct paths *paths, const struct conf *conf)
{
    const char *pool = conf == NULL ? NULL : conf_get(conf, "hands", "docker_pool");

    for (unsigned i = 0; e != NULL && i < e->count; i++)
        make_one(&e->at[i], paths, pool == NULL || pool[0] == '\0' ? "10.201.0.0/16" : pool);
}

void engines_free(struct engines *e)
{
    if (e == NULL)
        return;
    for (unsigned i = 0; i < e->count; i++) {
        runtime_docker_free(&e->at[i].docker);
        (void)pthread_mutex_destroy(&e->at[i].lock);
    }
    sodium_memzero(e, sizeof *e);
    free(e);
}

struct engine_at *engines_find(struct engines *e, const char *name)
{
    for (unsigned i = 0; e != NULL && i < e->count; i++)
        if (str_equal(e->at[i].record.name, name) || str_equal(e->at[i].record.id, name))
            return &e->at[i];
    return NULL;
}

/* ---- the link ---- */

/* What ssh says of a failure, and what a person does about it; the first that fits. */
static const struct {
    const char *words, *code, *text, *hint;
} causes[] = {
    {"IDENTIFICATION HAS CHANGED", "host_key_changed",
     "its machine has another key than the one "
     "that was accepted",
     "if you know why, say the new one: sett engine update %s --host-key SHA256:…"},
    {"Host key verification failed", "host_key_changed",
     "its machine has another key than the one "
     "that was accepted",
     "if you know why, say the new one: sett engine update %s --host-key SHA256:…"},
    {"administratively prohibited", "forward_refused", "its sshd forwards no sockets for us",
     "in its sshd_config: AllowStreamLocalForwarding yes, AllowTcpForwarding yes"},
    {"connect failed: Permission denied", "socket_refused",
     "our user there may not use the engine's socket", "there: usermod -aG docker USER"},
    {"connect failed: No such file", "socket_missing", "there is no engine at that path there",
     "is it running there? Its path is the end of the address: ssh://user@host/run/podman/"
     "podman.sock"},
    {"connect failed: open failed", "forward_refused",
     "its sshd lets us in and brings us no socket",
     "the key's line in authorized_keys: restrict,port-forwarding and no permitopen; in "
     "sshd_config: "
     "AllowStreamLocalForwarding yes"},
    {"Permission denied", "key_refused", "its machine does not let us in",
     "put the box's key into ~/.ssh/authorized_keys of that user there: sett engine show %s"},
    {"Could not resolve", "name_not_found", "its machine's name has no address",
     "correct the address: sett engine update %s --url ssh://…"},
    {"Connection refused", "ssh_refused", "nothing listens for SSH at its address",
     "is sshd running there, on that port?"},
    {"timed out", "ssh_silent", "its machine does not answer",
     "is it on, and reachable from here?"},
    {"No route to host", "ssh_silent", "there is no way to its machine",
     "is it on, and reachable from here?"},
};

int engine_at_explain(struct outside *o, const struct engine_at *e, struct err *err)
{
    struct hands_request *request = calloc(1, sizeof *request);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    struct err ignored;
    const char *words;
    struct buf said;

    buf_init(&said, HANDS_STREAM_MAX);
    if (e->record.kind == ENGINE_SSH && request != NULL && reply != NULL) {
        request->verb = HANDS_LINK_LOGS;
        request->number = e->record.number;
        request->lines = LOG_LINES;
        (void)outside_hands(o, request, HANDS_MS, reply, &said, &ignored);
    }
    words = buf_string(&said);
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (strstr(words, causes[i].words) != NULL) {
            (void)err_set(err, ERR_UNAVAILABLE, causes[i].code, "engine %s: %s", e->record.name,
                          causes[i].text);
            /* The name, or nothing, is all that a hint takes. */
            if (strstr(causes[i].hint, "%s") != NULL) {
                char hint[ERR_HINT_SIZE];
                size_t before = (size_t)(strstr(causes[i].hint, "%s") - causes[i].hint);
                (void)snprintf(hint, sizeof hint, "%.*s%s%s", (int)before, causes[i].hint,
                               e->record.name, causes[i].hint + before + 2);
                (void)err_hint(err, "%s", hint);
            } else {
                (void)err_hint(err, "%s", causes[i].hint);
            }
            break;
        }
    buf_free(&said);
    free(request);
    free(reply);
    return -1;
}

/* The line of the key that its machine must have; a fingerprint is looked up there. */
static int host_line(const struct engine_at *e, char out[SSH_KEY_LINE_SIZE], struct err *err)
{
    struct ssh_scan *scan;
    const char *line;
    int rc = -1;

    if (ssh_key_line(e->record.host_key))
        return str_copy(out, SSH_KEY_LINE_SIZE, e->record.host_key);
    if ((scan = calloc(1, sizeof *scan)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a host's keys");
    if (ssh_scan(scan, e->address.host, e->address.port, err) == -1)
        goto done;
    if (e->record.host_key[0] == '\0') {
        (void)err_set(err, ERR_UNAVAILABLE, "host_key_unknown",
                      "nobody has said what key the machine of engine %s has; it shows %s",
                      e->record.name, scan->prints[0]);
        (void)err_hint(err,
                       "compare it there (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: "
                       "sett engine update %s --host-key %s",
                       e->record.name, scan->prints[0]);
    } else if ((line = ssh_scan_find(scan, e->record.host_key)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "host_key_changed",
                      "the machine of engine %s shows the key %s, not the one that was accepted",
                      e->record.name, scan->prints[0]);
        (void)err_hint(err, "if you know why: sett engine update %s --host-key %s", e->record.name,
                       scan->prints[0]);
    } else {
        rc = str_copy(out, SSH_KEY_LINE_SIZE, line);
    }
done:
    free(scan);
    return rc;
}

/* Have the hands make it, or find that it is made so. */
static int begin_link(struct outside *o, struct engine_at *e, struct err *err)
{
    struct hands_request *request = calloc(1, sizeof *request);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    char line[SSH_KEY_LINE_SIZE];
    int rc = -1;

    if (request == NULL || reply == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a request");
    } else if (host_line(e, line, err) == 0) {
        request->verb = HANDS_LINK_START;
        request->number = e->record.number;
        (void)str_copy(request->secret, sizeof request->secret, e->seed);
        if (str_format(request->service, sizeof request->service, "%s@%s:%u", e->address.user,
                       e->address.host, e->address.port) == -1 ||
            kv_set(&request->env, "SOCKET", e->address.socket) == -1 ||
            kv_set(&request->env, "HOST_KEY", line) == -1)
            (void)err_set(err, ERR_INVALID, "engine_url", "the address of engine %s is too long",
                          e->record.name);
        else if (outside_hands(o, request, HANDS_MS, reply, NULL, err) == OUTCOME_OK)
            rc = 0;
    }
    if (request != NULL)
        explicit_bzero(request, sizeof *request);
    free(request);
    free(reply);
    return rc;
}

static bool takes_connections(const char *path)
{
    struct err ignored;
    int fd = access(path, F_OK) == 0 ? channel_connect(path, CONNECT_MS, &ignored) : -1;

    if (fd != -1)
        (void)close(fd);
    return fd != -1;
}

static int make_link(struct outside *o, struct engine_at *e, const char *path, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + LINK_MS;

    if (atomic_load(&e->told) && takes_connections(path))
        return 0;
    if (begin_link(o, e, err) == -1)
        return -1;
    atomic_store(&e->told, true);
    while (!takes_connections(path)) {
        if (clock_mono_ms() > until_ms) {
            (void)err_set(err, ERR_UNAVAILABLE, "link_down",
                          "the link to engine %s does not come up", e->record.name);
            (void)err_hint(err, "what its ssh says: sett log list --source connectors");
            return engine_at_explain(o, e, err);
        }
        clock_sleep_ms(LOOK_MS);
    }
    return 0;
}

int engine_at_reach(struct outside *o, struct engine_at *e, struct err *err)
{
    char path[PATH_MOST];
    int rc;

    if (e->docker.self == NULL) {
        *err = e->why;
        return -1;
    }
    if (e->record.kind != ENGINE_SSH)
        return 0;
    socket_of(e, &o->paths, path);
    (void)pthread_mutex_lock(&e->lock);
    rc = make_link(o, e, path, err);
    (void)pthread_mutex_unlock(&e->lock);
    return rc;
}

int engine_at_port(struct outside *o, struct engine_at *e, uint32_t port, bool on, struct err *err)
{
    struct hands_request *request;
    struct hands_reply *reply;
    int rc = -1;

    if (e->record.kind != ENGINE_SSH || e->record.publish[0] != '\0' || port == 0)
        return 0;
    request = calloc(1, sizeof *request);
    reply = calloc(1, sizeof *reply);
    if (request != NULL && reply != NULL) {
        request->verb = HANDS_LINK_PORT;
        request->number = e->record.number;
        request->port = port;
        request->flag = !on;
        rc = outside_hands(o, request, HANDS_MS, reply, NULL, err) == OUTCOME_OK ? 0 : -1;
    } else {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a request");
    }
    free(request);
    free(reply);
    return rc;
}
