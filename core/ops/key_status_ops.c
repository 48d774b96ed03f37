/*
 * Every key and secret that the box has, how old it is, and the command that puts another in its
 * place. Apart from the operations that do so, since each of these has its own noun; a key that is
 * missing here is one that nobody remembers to change.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alert_channel.h"
#include "auth.h"
#include "nouns.h"
#include "object.h"
#include "passkey.h"
#include "setting.h"
#include "sign.h"
#include "snapshot.h"
#include "str.h"
#include "succession.h"

struct row {
    const char *what, *what_for, *command;
};

/* Files: of the box's own keys folder, or of the system. */
static const struct {
    struct row row;
    const char *path;
    bool own; /* the path is below live/keys, else below the root */
} files[] = {
    {{"vault", "provider tokens, tunnel secrets and passwords are sealed to it",
      "sett key rotate vault"},
     "vault.key",
     true},
    {{"web", "signs sessions and tokens, seals second factors and webhook secrets",
      "sett key rotate web"},
     "web.key",
     true},
    {{"web, former", "what it has signed is honoured for twelve hours after a rotation",
      "sett key rotate web --lost"},
     "web.former",
     true},
    {{"tls", "the web server's certificate", "sett certificate --help"},
     "/etc/sett/tls/key.pem",
     false},
    {{"ssh host", "by which this machine is known to who signs in over ssh",
      "rm /etc/ssh/ssh_host_*; dpkg-reconfigure openssh-server"},
     "/etc/ssh/ssh_host_ed25519_key",
     false},
};

/* Records: how many, and how old the oldest is. */
static const struct {
    struct row row;
    const struct table *table;
    const char *since;
} records[] = {
    {{"recovery", "opens snapshots; its secret is nobody's but yours", "sett recovery rotate"},
     &recipient_table,
     "created_at"},
    {{"api keys", "programs sign in with them", "sett key renew ID"}, &api_key_table, "created_at"},
    {{"sessions", "of who is signed in", "sett key rotate web --lost"},
     &session_table,
     "created_at"},
    {{"passkeys", "people sign in with them", "sett passkey revoke ID; its owner adds another"},
     &passkey_table,
     "created_at"},
    {{"channels", "sign what is sent to webhooks of alerts", "sett channel rotate ID"},
     &alert_channel_table,
     "created_at"},
};

/* Sealed values, by what stands before the colon of their name. */
static const struct {
    struct row row;
    const char *prefix;
} sealed[] = {
    {{"databases", "passwords of tenants' databases", "sett tenant rekey TENANT"}, "database:"},
    {{"tunnels", "connectors sign in to the edge with them",
      "sett tunnel create, then sett tunnel delete ID"},
     "tunnel:"},
    {{"turn keys", "credentials of TURN are made from them",
      "sett turn delete ID; the next asker has another made"},
     "turn:"},
    {{"vaults", "credentials of the places of snapshots", "sett vault update NAME --secret-file F"},
     "vault:"},
    {{"engines", "keys to container engines on other machines", "sett engine update NAME"},
     "engine:"},
    {{"credentials", "first passwords of tenants, until they were shown",
      "sett tenant credentials ID"},
     "credentials:"},
};

static const struct field status_rows[] = {
    {.name = "what", .type = FIELD_TEXT, .size = 32, .help = "the key, or the kind of them"},
    {.name = "count", .type = FIELD_U32, .size = 4, .help = "how many there are"},
    {.name = "since",
     .type = FIELD_TIME,
     .size = 8,
     .help = "since when; of many, of the oldest; null: not known"},
    {.name = "what_for", .type = FIELD_TEXT, .size = 120, .help = "what it is for"},
    {.name = "command", .type = FIELD_TEXT, .size = 120, .help = "what puts another in its place"},
};
static const struct fields status_shape = {status_rows, sizeof status_rows / sizeof status_rows[0],
                                           0};

static void write_row(struct json_out *j, const struct row *row, uint64_t count, int64_t since)
{
    json_out_object(j);
    json_out_key_text(j, "object", "key_status");
    json_out_key_text(j, "what", row->what);
    json_out_key_u64(j, "count", count);
    json_out_key_time(j, "since", since);
    json_out_key_text(j, "what_for", row->what_for);
    json_out_key_text(j, "command", row->command);
    json_out_end_object(j);
}

static void write_signing(struct op_call *call)
{
    static const struct row row = {"signing", "signs the box's snapshots",
                                   "sett key rotate signing"};
    const char *folder = call->box->paths.keys;
    struct succession line;
    char key[SIGN_TEXT];
    struct err ignored;

    if (sign_public_load(folder, key, &ignored) == 0 &&
        succession_load(folder, &line, &ignored) == 0)
        write_row(call->out, &row, 1, line.count == 0 ? 0 : line.links[line.count - 1].at);
}

static void write_files(struct op_call *call)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[2 * PATHS_SIZE];
        struct stat st;

        (void)str_format(path, sizeof path, "%s%s%s",
                         files[i].own ? call->box->paths.keys : call->box->paths.root,
                         files[i].own ? "/" : "", files[i].path);
        if (stat(path, &st) == 0)
            write_row(call->out, &files[i].row, 1,
                      (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
    }
}

/* The record that is oldest by its id. */
static int oldest(struct op_call *call, const struct table *table, const char *since, int64_t *at,
                  struct err *err)
{
    void *record = calloc(1, table->fields.struct_size);
    struct scan scan;
    int got = -1;

    *at = 0;
    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a record");
    if (scan_start(&scan, call->txn, table, NULL, NULL, 0, false, err) == 0)
        got = scan_next(&scan, record, err);
    for (size_t i = 0; got == 1 && i < table->fields.count; i++)
        if (str_equal(table->fields.at[i].name, since))
            memcpy(at, (char *)record + table->fields.at[i].offset, sizeof *at);
    free(record);
    return got == -1 ? -1 : 0;
}

static int write_records(struct op_call *call, struct err *err)
{
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        int64_t count = record_count(call->txn, records[i].table, err), at;

        if (count == -1 || oldest(call, records[i].table, records[i].since, &at, err) == -1)
            return -1;
        if (count > 0)
            write_row(call->out, &records[i].row, (uint64_t)count, at);
    }
    return 0;
}

struct tally {
    uint64_t count;
    int64_t since;
};

/* Those that a person sets have rows of their own, the others are counted. */
static int write_sealed(struct op_call *call, struct err *err)
{
    struct tally tallies[sizeof sealed / sizeof sealed[0]] = {{0}};
    struct secret *secret = calloc(1, sizeof *secret);
    struct scan scan;
    int got = -1;

    if (secret == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a record");
    if (scan_start(&scan, call->txn, &secret_table, NULL, NULL, 0, false, err) == 0)
        while ((got = scan_next(&scan, secret, err)) == 1) {
            const struct secret_row *known = secret_row_find(secret->name);
            char command[160];

            for (size_t i = 0; i < sizeof sealed / sizeof sealed[0]; i++)
                if (str_starts(secret->name, sealed[i].prefix)) {
                    struct tally *t = &tallies[i];
                    t->since = t->count++ == 0 || secret->updated_at < t->since ? secret->updated_at
                                                                                : t->since;
                }
            if (known == NULL)
                continue;
            (void)str_format(command, sizeof command, "sett secret set %s --value-file -",
                             known->name);
            write_row(call->out, &(struct row){known->name, known->help, command}, 1,
                      secret->updated_at);
        }
    free(secret);
    for (size_t i = 0; got == 0 && i < sizeof sealed / sizeof sealed[0]; i++)
        if (tallies[i].count > 0)
            write_row(call->out, &sealed[i].row, tallies[i].count, tallies[i].since);
    return got;
}

static int key_status(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    write_signing(call);
    write_files(call);
    if (write_records(call, err) == -1 || write_sealed(call, err) == -1)
        return -1;
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/box/keys/status");
    json_out_end_object(j);
    return 0;
}

static const struct field no_rows[1];
static const struct fields none = {no_rows, 0, 1};

const struct op key_status_ops[] = {
    {.name = "key.status",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &none,
     .help = "List every key and secret of the box: how old, and the command that changes it",
     .example = "",
     .result = &status_shape,
     .run = key_status},
    {.name = NULL},
};
