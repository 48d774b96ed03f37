/*
 * Making a box: folders with their modes, keys, the store, the first admin, the webhook secret.
 * Each part is made only where it is missing, so a setup that was cut short is finished by the
 * next.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "cli.h"
#include "enc.h"
#include "file.h"
#include "params.h"
#include "preseed.h"
#include "schema.h"
#include "setting.h"
#include "setup_state.h"
#include "sign.h"
#include "str.h"
#include "tenant.h"

#define GENERATED_BYTES 15

/* The part of a new sett.conf that names the port, twice. */
#define CONF_URL  "[box]\ndomain = localhost\nurl = http://localhost:"
#define CONF_PORT CONF_URL "%u\n\n[tenants]\nscheme = http\nport = %u\n\n"

static int folders_make(const struct cli *cli, struct err *err)
{
    const struct paths *p = &cli->paths;
    const struct {
        const char *path;
        mode_t mode;
    } folders[] = {
        {p->blueprints, 0755}, {p->live, 0755},    {p->keys, 0750}, {p->hands, 0700},
        {p->tenants, 0711},    {p->backups, 0700}, {p->run, 0755},
    };

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (file_mkdirs(folders[i].path, folders[i].mode, err) == -1)
            return -1;
    return 0;
}

/* Copy what ships of blueprints; one that is there stays as the operator left it. */
static int blueprints_copy(const struct cli *cli, struct err *err)
{
    static const char *const shipped[] = {"site.conf", "web.conf", "odoo.conf", "debian.conf",
                                          "web-swarm.conf"};
    char from[2 * PATHS_SIZE], to[2 * PATHS_SIZE];
    struct buf b;
    int rc = 0;

    for (size_t i = 0; i < sizeof shipped / sizeof *shipped && rc == 0; i++) {
        (void)str_format(from, sizeof from, "%s/blueprints/%s", cli->share, shipped[i]);
        (void)str_format(to, sizeof to, "%s/%s", cli->paths.blueprints, shipped[i]);
        if (file_exists(to) || !file_exists(from))
            continue;
        buf_init(&b, 1u << 16);
        if ((rc = file_read(from, &b, err)) == 0)
            rc = file_write(to, b.data, b.len, 0644, err);
        buf_free(&b);
    }
    return rc;
}

static int conf_write(const struct cli *cli, uint32_t port, struct err *err)
{
    char text[2048];

    if (file_exists(cli->paths.conf))
        return 0;
    if (str_format(text, sizeof text,
                   "; What is set here can be overruled in the admin; sett config show tells which "
                   "won.\n" CONF_PORT "[hands]\nsupervisor = child\nshare = %s\n\n"
                   "[web]\npid = %s/nginx.pid\ntest = /usr/sbin/nginx -t -q -p %s/nginx -c "
                   "%s/nginx/nginx.conf\n",
                   port, port, cli->share, cli->paths.run, cli->paths.root, cli->paths.root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.root);
    return file_write(cli->paths.conf, text, strlen(text), 0644, err);
}

static void generate(char *out, size_t size)
{
    uint8_t bytes[GENERATED_BYTES];

    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64url(out, size, bytes, sizeof bytes);
}

/* To be read off a console and typed: 80 bits, without letters that look like digits. */
static void generate_words(char out[24])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    size_t n = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i > 0 && i % 4 == 0)
            out[n++] = '-';
        out[n++] = alphabet[randombytes_uniform(32)];
    }
    out[n] = '\0';
}

/* Run an operation with parameters given as name, value, … NULL. */
static int operation(struct cli *cli, const char *name, const char *const *words, struct err *err)
{
    union {
        char bytes[16384];
        uint64_t align;
    } params = {.bytes = {0}};
    struct op_call call = {.op = op_find(name), .params = params.bytes};
    struct json_out j;
    struct buf b;
    int rc = -1;

    buf_init(&b, 1u << 16);
    json_out_init(&j, &b);
    call.out = &j;
    if (call.op == NULL || call.op->params->struct_size > sizeof params)
        return err_set(err, ERR_INTERNAL, "no_operation", "operation %s is not known", name);
    for (; *words != NULL; words += 2)
        if (params_one(call.op->params, words[0], words[1], params.bytes, &call.given, err) == -1)
            goto done;
    rc = cli_call(cli, &call, err);
done:
    sodium_memzero(&params, sizeof params);
    buf_free(&b);
    return rc;
}

/* A generated secret kept in a private file of the root folder (system: of live/), made once. */
static int secret_file(const struct cli *cli, const char *name, const char *prefix, char *out,
                       size_t size, struct err *err)
{
    char path[2 * PATHS_SIZE], line[160], made[64];
    struct buf b;

    (void)str_format(path, sizeof path, "%s/%s",
                     cli->paths.root[0] == '\0' ? "/var/lib/sett" : cli->paths.root, name);
    if (file_exists(path)) {
        int rc;
        buf_init(&b, 256);
        rc = file_read(path, &b, err);
        if (rc == 0)
            rc = str_copy(out, size, b.data == NULL ? "" : str_trim(b.data));
        buf_free(&b);
        return rc;
    }
    if (cli->paths.root[0] == '\0' && prefix[0] == '\0')
        generate_words(made);
    else
        generate(made, sizeof made);
    if (str_format(out, size, "%s%s", prefix, made) == -1 ||
        str_format(line, sizeof line, "%s\n", out) == -1)
        return err_set(err, ERR_INTERNAL, "too_long", "%s does not fit", name);
    return file_write(path, line, strlen(line), 0600, err);
}

static int store_make(struct cli *cli, struct err *err)
{
    char *slash, parent[PATHS_SIZE];

    if (file_exists(cli->paths.db))
        return 0;
    (void)str_copy(parent, sizeof parent, cli->paths.db);
    if ((slash = strrchr(parent, '/')) != NULL)
        *slash = '\0';
    if (file_mkdirs(parent, 0755, err) == -1)
        return -1;
    return db_create(cli->paths.db, &sett_schema, err);
}

static int keys_make(const struct cli *cli, struct err *err)
{
    char path[2 * PATHS_SIZE];
    uint8_t sign[64];

    (void)str_format(path, sizeof path, "%s/vault.key", cli->paths.keys);
    if (!file_exists(path) && vault_create(cli->paths.keys, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "%s/web.key", cli->paths.keys);
    if (!file_exists(path) && web_key_create(cli->paths.keys, err) == -1)
        return -1;
    if (sign_key_load(cli->paths.keys, sign, err) == -1)
        return -1;
    sodium_memzero(sign, sizeof sign);
    return 0;
}

static int first_change(struct txn *txn, void *arg, struct err *err)
{
    char id[ID_SIZE];

    (void)arg;
    id_make(id, "box");
    return setting_set(txn, "box.id", id, "setup", err);
}

/* Whether the box has an admin: the last thing a setup makes, so its presence means it was
 * finished. */
static int has_user(struct cli *cli, struct err *err)
{
    struct txn *txn;
    int64_t n;

    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    n = record_count(txn, &user_table, err);
    db_read_end(txn);
    return n < 0 ? -1 : n > 0;
}

/* A box below a folder runs as the folder's owner, root included; that is said once. */
static void root_warn(const struct cli *cli)
{
    struct stat st;

    if (geteuid() == 0 && cli->paths.root[0] != '\0' && stat(cli->paths.root, &st) == 0 &&
        st.st_uid == 0)
        fprintf(stderr,
                "sett: %s belongs to root, so all programs of this box run as root: fine for "
                "trying out, and for nothing else\n",
                cli->paths.root);
}

/* A demonstration asks nobody to set it up. */
static int demo_change(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return setup_finish(txn, "demo", err);
}

int cli_setup_demo(struct cli *cli, struct err *err)
{
    return db_write(cli->box.db, demo_change, NULL, err);
}

/* ---- what was answered beforehand ---- */

/* A line of the preseed file, as the operation that it is. All may be done again. */
static int answer(struct cli *cli, const struct preseed *p, const struct conf_row *line,
                  unsigned *keys, struct err *err)
{
    const struct preseed_row *row = preseed_find(line->section, line->name);
    char name[32];
    int rc = 0;

    if (row->kind == PRESEED_SETTING)
        return operation(cli, "setting.set",
                         (const char *const[]){"name", row->to == NULL ? line->name : row->to,
                                               "value", line->value, NULL},
                         err);
    if (row->kind == PRESEED_SECRET_FILE)
        return operation(cli, "secret.set",
                         (const char *const[]){"name", row->to, "value",
                                               preseed_secret(p, line->section, line->name), NULL},
                         err);
    if (row->kind == PRESEED_RECOVERY) {
        ++*keys;
        (void)str_format(name, sizeof name, *keys == 1 ? "recovery" : "recovery-%u", *keys);
        rc = operation(cli, "recovery.add",
                       (const char *const[]){"name", name, "key", line->value, NULL}, err);
        if (rc == -1 && err->kind == ERR_CONFLICT)
            rc = 0;
    }
    return rc;
}

static int answers(struct cli *cli, const struct preseed *p, struct err *err)
{
    unsigned keys = 0;

    for (uint32_t i = 0; p != NULL && i < p->conf.count; i++)
        if (answer(cli, p, &p->conf.rows[i], &keys, err) == -1)
            return -1;
    err_clear(err);
    if (preseed_is(p, "box", "set_up", "yes"))
        return cli_setup_demo(cli, err);
    return 0;
}

/* An installed box is reached through a web server of its own, with TLS. */
static int addresses_set(struct cli *cli, struct err *err)
{
    static const char *const of_tenants[][2] = {{"tenants.scheme", "https"}, {"tenants.port", "0"}};
    char value[512];

    for (size_t i = 0; i < sizeof of_tenants / sizeof of_tenants[0]; i++)
        if (setting_text(NULL, &cli->box.conf, of_tenants[i][0], value, sizeof value, err) ==
                SETTING_DEFAULT &&
            operation(
                cli, "setting.set",
                (const char *const[]){"name", of_tenants[i][0], "value", of_tenants[i][1], NULL},
                err) == -1)
            return -1;
    return 0;
}

/* The first admin is the last that is made. An installed box shows its first password to whoever
 * stands before it: that one is good for choosing another. */
static int admin_make(struct cli *cli, const struct preseed *p, struct err *err)
{
    bool installed = cli->paths.root[0] == '\0';
    const char *chosen = preseed_secret(p, "admin", "password_file");
    const char *hash = preseed_get(p, "admin", "password_hash");
    const char *mail = preseed_get(p, "admin", "mail");
    bool given = chosen != NULL || hash != NULL;
    char password[PRESEED_SECRET];
    int rc = hash != NULL ? str_copy(password, sizeof password, hash)
             : chosen != NULL
                 ? str_copy(password, sizeof password, chosen)
                 : secret_file(cli, "admin-password", "", password, sizeof password, err);

    if (rc == 0)
        rc =
            operation(cli, "user.create",
                      (const char *const[]){"name", "admin", "role", "admin", "password", password,
                                            "password_once", installed && !given ? "true" : "false",
                                            "email", mail == NULL ? "" : mail, NULL},
                      err);
    sodium_memzero(password, sizeof password);
    return rc;
}

int cli_setup_box(struct cli *cli, uint32_t port, const struct preseed *preseed, struct err *err)
{
    char secret[128];
    int there;

    (void)umask(0007);
    if (cli->paths.root[0] != '\0' && file_mkdirs(cli->paths.root, 0755, err) == -1)
        return -1;
    root_warn(cli);
    if (cli_drop(cli, err) == -1 || folders_make(cli, err) == -1 ||
        blueprints_copy(cli, err) == -1 || conf_write(cli, port, err) == -1 ||
        keys_make(cli, err) == -1 || store_make(cli, err) == -1 || cli_open(cli, err) == -1 ||
        (there = has_user(cli, err)) == -1)
        return -1;
    if (there)
        return 0;
    if (db_write(cli->box.db, first_change, NULL, err) == -1 ||
        secret_file(cli, "stripe-webhook-secret", "whsec_", secret, sizeof secret, err) == -1 ||
        operation(cli, "secret.set",
                  (const char *const[]){"name", "stripe.webhook_secret", "value", secret, NULL},
                  err) == -1)
        return -1;
    if (cli->paths.root[0] != '\0' &&
        operation(cli, "plan.create",
                  (const char *const[]){"name", "demo", "title", "Demo site", "blueprint", "site",
                                        "offered", "true", "currency", "eur", NULL},
                  err) == -1 &&
        err->kind != ERR_CONFLICT)
        return -1;
    err_clear(err);
    if ((cli->paths.root[0] == '\0' && addresses_set(cli, err) == -1) ||
        answers(cli, preseed, err) == -1)
        return -1;
    return admin_make(cli, preseed, err) == -1 ? -1 : 1;
}

/* Put ${port} into the lines of sett.conf that name it, if they are as conf_write made them: what
 * an operator changed stays. Return 1 if the file changed, 0 or -1. */
static int conf_move(const char *path, uint32_t port, struct err *err)
{
    char line[128];
    struct buf old, new;
    const char *at;
    uint64_t was;
    int rc = -1;

    buf_init(&old, 1u << 16);
    buf_init(&new, 1u << 16);
    if (file_read(path, &old, err) == -1)
        goto done;
    rc = 0;
    if ((at = strstr(buf_string(&old), CONF_URL)) == NULL ||
        str_copy_n(line, sizeof line, at + strlen(CONF_URL),
                   strcspn(at + strlen(CONF_URL), "\n")) == -1 ||
        str_u64(line, 1, 65535, &was) == -1 || was == port ||
        str_format(line, sizeof line, CONF_PORT, (unsigned)was, (unsigned)was) == -1 ||
        !str_starts(at, line))
        goto done;
    (void)buf_add(&new, old.data, (size_t)(at - old.data));
    (void)buf_format(&new, CONF_PORT, port, port);
    if (buf_text(&new, at + strlen(line)) == -1)
        rc = err_set(err, ERR_INVALID, "too_long", "%s is too long", path);
    else
        rc = file_write(path, new.data, new.len, 0644, err) == -1 ? -1 : 1;
done:
    buf_free(&old);
    buf_free(&new);
    return rc;
}

/* The tenants' addresses as the settings make them now. */
static int addresses_change(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant = {0};
    const struct conf *conf = arg;
    char url[sizeof tenant.url];
    struct scan s;
    int got;

    if (scan_start(&s, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&s, &tenant, err)) == 1) {
        if (tenant.state == TENANT_DELETED)
            continue;
        if (tenant_url(txn, conf, tenant.subdomain, url, sizeof url, err) == -1)
            return -1;
        if (str_equal(url, tenant.url))
            continue;
        (void)str_copy(tenant.url, sizeof tenant.url, url);
        if (tenant_put(txn, &tenant, err) == -1)
            return -1;
    }
    return got;
}

int cli_move_box(struct cli *cli, uint32_t port, struct err *err)
{
    int moved = conf_move(cli->paths.conf, port, err);

    if (moved != 1)
        return moved;
    if (conf_read(&cli->box.conf, cli->paths.conf, err) == -1)
        return -1;
    return db_write(cli->box.db, addresses_change, &cli->box.conf, err);
}

int cli_setup(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct preseed preseed;
    const struct preseed *given = NULL;
    uint64_t port = 4443;
    int made;

    for (int i = 0; i < argc; i += 2) {
        if (i + 1 < argc && str_equal(argv[i], "--port") &&
            str_u64(argv[i + 1], 1, 65535, &port) == 0)
            continue;
        if (i + 1 == argc || !str_equal(argv[i], "--preseed"))
            return err_field(err, "argument", "usage",
                             "usage: sett setup [--port 1..65535] [--preseed FILE]");
        if (preseed_read(&preseed, argv[i + 1], stderr, err) == -1)
            return -1;
        given = &preseed;
    }
    made = cli_setup_box(cli, (uint32_t)port, given, err);
    preseed_forget(&preseed);
    if (made == -1)
        return -1;
    if (!cli->quiet)
        printf("%s\n", !made                        ? "The box was there already."
                       : cli->paths.root[0] == '\0' ? "The box is made. Go on with: sett init"
                                                    : "The box is made. Start it with: sett run");
    return 0;
}
