#ifndef SETT_SETTING_H
#define SETT_SETTING_H
/* What can be set: one row each with its type, bounds and default. A value comes from the
 * store (set by an operation), else from sett.conf, else it is the default. */
#include "conf.h"
#include "db.h"
#include "id.h"
#include "vault.h"

struct setting_row {
    const char *name;      /* "ports.ranges" */
    enum field_type type;  /* TEXT, U64 or BOOL */
    const char *otherwise; /* default, as text */
    uint64_t min, max;
    const char *help;
    int (*check)(const char *value, struct err *err); /* or NULL */
    const char *choices; /* the only values there are, as "own,shared"; NULL: any that passes */
};
extern const struct setting_row setting_rows[];
extern const size_t setting_row_count;

struct setting {
    char name[64];
    char value[512];
    char actor[64];
    int64_t updated_at;
};
extern const struct table setting_table; /* key name */

enum setting_origin { SETTING_DEFAULT, SETTING_CONF, SETTING_STORE };
extern const char *const setting_origin_names[];

/** setting_text(txn, conf, name, out, size, err): the value that holds. ${txn} NULL: conf and
 * default only. The name must be a row's. Return the origin, or -1. */
int setting_text(struct txn *txn, const struct conf *conf, const char *name, char *out, size_t size,
                 struct err *err);

/** setting_u64(txn, conf, name): the value as a number; its default if what is stored is not one.
 * */
uint64_t setting_u64(struct txn *txn, const struct conf *conf, const char *name);

/** setting_check(name, value, err): whether ${value} is one that the setting takes. Return 0 or -1.
 */
int setting_check(const char *name, const char *value, struct err *err);

/** setting_set(txn, name, value, actor, err): store a value ("" takes it back). 0 or -1. */
int setting_set(struct txn *txn, const char *name, const char *value, const char *actor,
                struct err *err);

/* A secret by name ("cloudflare.token", "stripe.secret_key", "tunnel:tun_…"), sealed to the vault.
 * */
struct secret {
    char name[96];
    struct sealed value;
    int64_t updated_at;
};
extern const struct table secret_table; /* key name */

/** secret_set(txn, vault, name, value, len, err): seal and store; len 0 removes. 0 or -1. */
int secret_set(struct txn *txn, const struct vault *vault, const char *name, const void *value,
               size_t len, struct err *err);

/** secret_get(txn, vault, name, out, err): append the opened value. Needs the private half.
 * Return 1, 0 if there is none, -1. */
int secret_get(struct txn *txn, const struct vault *vault, const char *name, struct buf *out,
               struct err *err);

/** secret_exists(txn, name, err): whether one is set; needs no key. Return 1, 0 or -1. */
int secret_exists(struct txn *txn, const char *name, struct err *err);

/** secret_set_web(txn, key, name, value, len, err): as secret_set, sealed with web.key instead, for
 * what the front must be able to open ("stripe.webhook_secret", "stripe.webhook_secret_previous").
 */
int secret_set_web(struct txn *txn, const struct web_key *key, const char *name, const void *value,
                   size_t len, struct err *err);

/** secret_get_web(txn, key, name, out, err): as secret_get, for those. */
int secret_get_web(struct txn *txn, const struct web_key *key, const char *name, struct buf *out,
                   struct err *err);

/* The secrets that people set, by name. */
struct secret_row {
    const char *name, *help;
    bool web; /* sealed with web.key */
};
extern const struct secret_row secret_rows[];
extern const size_t secret_row_count;

/** secret_row_find(name): the row, or NULL. */
const struct secret_row *secret_row_find(const char *name);

/** setting_row_find(name): the row, or NULL. */
const struct setting_row *setting_row_find(const char *name);

/** setting_group(name): where a form shows the setting or secret of that name: "box", "tenants",
 * "mail", "stripe", …: a word of setting_group_names. */
const char *setting_group(const char *name);
extern const char *const setting_group_names[]; /* in the order of a page; ended by NULL */

/** setting_unit(row): "s", "ms", "min", "h", "days", "MiB", "%", or "": what its number counts. */
const char *setting_unit(const struct setting_row *row);

/** setting_conf_check(conf, err): that sett.conf sets only what there is, to acceptable values
 * (what [front], [hands], [outside] and [web] say for their programs is left alone). ERR_INVALID
 * with the line. 0 or -1. */
int setting_conf_check(const struct conf *conf, struct err *err);

#endif
