/*
 * The answers given before the first boot: a table of what may be said, the look at all of it, and
 * its end. Apart from sett init, which acts on it, and from the setup, which takes the settings:
 * a file with a slip in it must change nothing.
 */
#include "preseed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "auth.h"
#include "file.h"
#include "identity.h"
#include "mail.h"
#include "setting.h"
#include "str.h"

#define FILE_MOST 65536

/* ---- what a value has to be ---- */

static int check_there(const char *value, struct err *err)
{
    if (value[0] != '/')
        return err_field(err, "value", "not_absolute", "\"%s\" is no absolute path", value);
    if (access(value, R_OK) == -1)
        return err_sys(err, "file_missing", errno, value);
    return 0;
}

static int check_private(const char *value, struct err *err)
{
    return check_there(value, err) == -1 ? -1 : file_private(value, err);
}

static int check_recovery(const char *value, struct err *err)
{
    uint8_t key[32];

    return identity_public_parse(value, key, err);
}

static int check_hash(const char *value, struct err *err)
{
    char out[160];

    return auth_password_take(value, out, err);
}

static int check_mail(const char *value, struct err *err)
{
    return mail_address(value)
               ? 0
               : err_field(err, "value", "email_invalid", "\"%s\" is no e-mail address", value);
}

static int check_vault(const char *value, struct err *err)
{
    static const char *const schemes[] = {"/", "https://", "http://", "sftp://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (str_starts(value, schemes[i]))
            return 0;
    return err_field(err, "value", "vault_address",
                     "\"%s\" is neither a folder nor an address of https:// or sftp://", value);
}

static int check_zone_file(const char *value, struct err *err)
{
    char path[160];

    if (value[0] == '/' || strstr(value, "..") != NULL ||
        str_format(path, sizeof path, "/usr/share/zoneinfo/%s", value) == -1 || !file_exists(path))
        return err_field(err, "value", "zone", "\"%s\" is no time zone, as in Europe/Berlin",
                         value);
    return 0;
}

/* ---- the table ---- */

static const struct preseed_row rows[] = {
    {"box", "mode", PRESEED_INIT, "new,restore", NULL},
    {"box", "name", PRESEED_SETTING, "box.name", NULL},
    {"box", "url", PRESEED_SETTING, "box.url", NULL},
    {"box", "domain", PRESEED_SETTING, "box.domain", NULL},
    {"box", "language", PRESEED_SETTING, "mail.language", NULL},
    {"box", "time_zone", PRESEED_SETTING, "box.time_zone", check_zone_file},
    {"box", "set_up", PRESEED_INIT, "yes,no", NULL},
    {"admin", "mail", PRESEED_ADMIN, NULL, check_mail},
    {"admin", "password_file", PRESEED_ADMIN, NULL, check_there},
    {"admin", "password_hash", PRESEED_ADMIN, NULL, check_hash},
    {"recovery", "key", PRESEED_RECOVERY, NULL, check_recovery},
    {"web", "server", PRESEED_INIT, "nginx,apache2,lighttpd,caddy,none", NULL},
    {"web", "trusted_proxies", PRESEED_SETTING, "box.trusted_proxies", NULL},
    {"certificate", "kind", PRESEED_INIT, "self-signed,import,letsencrypt,none", NULL},
    {"certificate", "certificate_file", PRESEED_INIT, NULL, check_there},
    {"certificate", "key_file", PRESEED_INIT, NULL, check_private},
    {"certificate", "mail", PRESEED_INIT, NULL, check_mail},
    {"certificate", "agree_tos", PRESEED_INIT, "yes,no", NULL},
    {"certificate", "proof", PRESEED_INIT, "http,cloudflare", NULL},
    {"cloudflare", "account", PRESEED_SETTING, "cloudflare.account", NULL},
    {"cloudflare", "zone", PRESEED_SETTING, "cloudflare.zone", NULL},
    {"cloudflare", "token_file", PRESEED_SECRET_FILE, "cloudflare.token", check_there},
    {"stripe", "secret_key_file", PRESEED_SECRET_FILE, "stripe.secret_key", check_there},
    {"stripe", "webhook_secret_file", PRESEED_SECRET_FILE, "stripe.webhook_secret", check_there},
    {"smtp", "password_file", PRESEED_SECRET_FILE, "smtp.password", check_there},
    {"restore", "file", PRESEED_INIT, NULL, check_there},
    {"restore", "vault", PRESEED_INIT, NULL, check_vault},
    {"restore", "access_key", PRESEED_INIT, NULL, NULL},
    {"restore", "region", PRESEED_INIT, NULL, NULL},
    {"restore", "host_key", PRESEED_INIT, NULL, NULL},
    {"restore", "secret_file", PRESEED_INIT, NULL, check_private},
    {"restore", "snapshot", PRESEED_INIT, NULL, NULL},
    {"restore", "recovery_file", PRESEED_INIT, NULL, check_private},
    {"restore", "signer", PRESEED_INIT, NULL, NULL},
    {"restore", "confirm", PRESEED_INIT, NULL, NULL},
};

const struct preseed_row *preseed_find(const char *section, const char *name)
{
    static const struct preseed_row setting = {"settings", "", PRESEED_SETTING, NULL, NULL};

    if (str_equal(section, "settings"))
        return &setting;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_equal(rows[i].section, section) && str_equal(rows[i].name, name))
            return &rows[i];
    return NULL;
}

const char *preseed_get(const struct preseed *p, const char *section, const char *name)
{
    return p == NULL ? NULL : conf_get(&p->conf, section, name);
}

bool preseed_is(const struct preseed *p, const char *section, const char *name, const char *value)
{
    const char *is = preseed_get(p, section, name);

    return is != NULL && str_equal(is, value);
}

const char *preseed_secret(const struct preseed *p, const char *section, const char *name)
{
    for (unsigned i = 0; p != NULL && i < p->kept_count; i++)
        if (p->kept[i].row == preseed_find(section, name))
            return p->kept[i].value;
    return NULL;
}

void preseed_forget(struct preseed *p)
{
    sodium_memzero(p->kept, sizeof p->kept);
    p->kept_count = 0;
}

/* The one line of a private file. */
static int secret_read(const char *path, char out[PRESEED_SECRET], struct err *err)
{
    struct buf b;
    int rc = -1;

    buf_init(&b, FILE_MOST);
    if (file_private(path, err) == 0 && file_read(path, &b, err) == 0) {
        char *end = b.data == NULL ? NULL : strchr(b.data, '\n');
        if (end != NULL)
            *end = '\0';
        if (str_copy(out, PRESEED_SECRET, b.data == NULL ? "" : str_trim(b.data)) == -1 ||
            out[0] == '\0')
            (void)err_set(err, ERR_INVALID, "secret_file", "%s is empty, or its line is too long",
                          path);
        else
            rc = 0;
    }
    if (b.data != NULL)
        sodium_memzero(b.data, b.cap);
    buf_free(&b);
    return rc;
}

static int keep(struct preseed *p, const struct preseed_row *row, const char *path, struct err *err)
{
    if (p->kept_count == PRESEED_KEPT)
        return err_set(err, ERR_INVALID, "too_many", "a secret is named twice");
    if (secret_read(path, p->kept[p->kept_count].value, err) == -1)
        return -1;
    p->kept[p->kept_count++].row = row;
    return row->kind == PRESEED_ADMIN
               ? auth_password_rules(p->kept[p->kept_count - 1].value, "admin", err)
               : 0;
}

/* ---- the look at all of it ---- */

/* As sett.conf would say it: so a setting is checked by its own row. */
static int check_setting(const char *name, const char *value, struct err *err)
{
    struct conf *one;
    const char *dot = strchr(name, '.');
    int rc = -1;

    if (setting_row_find(name) == NULL || dot == NULL || str_starts(name, "box.id") ||
        str_equal(name, "box.set_up_at"))
        return err_field(err, "name", "setting_unknown", "there is no setting %s", name);
    if ((one = calloc(1, sizeof *one)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    one->count = 1;
    if (str_copy_n(one->rows[0].section, sizeof one->rows[0].section, name, (size_t)(dot - name)) ==
            0 &&
        str_copy(one->rows[0].name, sizeof one->rows[0].name, dot + 1) == 0 &&
        str_copy(one->rows[0].value, sizeof one->rows[0].value, value) == 0)
        rc = setting_conf_check(one, err);
    free(one);
    return rc;
}

/* Whether ${value} is among "new,restore". */
static int check_words(const char *words, const char *value, struct err *err)
{
    size_t len = strlen(value);

    for (const char *at = words; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (len != 0 && strcspn(at, ",") == len && strncmp(at, value, len) == 0)
            return 0;
    return err_field(err, "value", "unknown_word", "\"%s\" is none of %s", value, words);
}

static int check_row(struct preseed *p, const struct conf_row *line, struct err *err)
{
    const struct preseed_row *row = preseed_find(line->section, line->name);

    if (row == NULL) {
        (void)err_set(err, ERR_INVALID, "key_unknown", "[%s] has no key %s", line->section,
                      line->name);
        return err_hint(err, "man sett-preseed.conf names them all");
    }
    if (row->check != NULL && row->check(line->value, err) == -1)
        return -1;
    if (row->kind == PRESEED_SECRET_FILE || str_equal(row->name, "password_file"))
        return keep(p, row, line->value, err);
    if (row->kind == PRESEED_SETTING)
        return check_setting(row->to == NULL ? line->name : row->to, line->value, err);
    return row->kind == PRESEED_INIT && row->to != NULL ? check_words(row->to, line->value, err)
                                                        : 0;
}

static void complain(const struct preseed *p, FILE *out, int line, const struct err *why)
{
    if (line > 0) /* a setting's complaint counts the lines of another file */
        fprintf(out, "%s, line %d: %s%s%s\n", p->path, line,
                why->text + (str_starts(why->text, "line 0: ") ? strlen("line 0: ") : 0),
                why->hint[0] == '\0' ? "" : "; ", why->hint);
    else
        fprintf(out, "%s: %s%s%s\n", p->path, why->text, why->hint[0] == '\0' ? "" : "; ",
                why->hint);
}

/* What goes only together, or not at all. Return how much is wrong. */
static unsigned check_whole(const struct preseed *p, FILE *out)
{
    bool restore = preseed_is(p, "box", "mode", "restore");
    const struct {
        bool wrong;
        const char *what;
    } rules[] = {
        {preseed_get(p, "admin", "password_file") != NULL &&
             preseed_get(p, "admin", "password_hash") != NULL,
         "[admin] has password_file or password_hash, not both"},
        {restore && (preseed_get(p, "restore", "file") == NULL) ==
                        (preseed_get(p, "restore", "vault") == NULL),
         "mode = restore needs [restore] file or vault, and not both"},
        {restore && preseed_get(p, "restore", "recovery_file") == NULL,
         "mode = restore needs [restore] recovery_file: the kit, or the secret alone"},
        {restore && preseed_get(p, "restore", "confirm") == NULL,
         "mode = restore needs [restore] confirm = NAME OF THE BOX: that one is off, and stays "
         "off"},
        {!restore && (preseed_get(p, "restore", "file") != NULL ||
                      preseed_get(p, "restore", "vault") != NULL),
         "[restore] is for mode = restore"},
        {preseed_is(p, "certificate", "kind", "import") &&
             (preseed_get(p, "certificate", "certificate_file") == NULL ||
              preseed_get(p, "certificate", "key_file") == NULL),
         "kind = import needs [certificate] certificate_file and key_file"},
        {preseed_is(p, "certificate", "kind", "letsencrypt") &&
             (preseed_get(p, "box", "url") == NULL ||
              preseed_get(p, "certificate", "mail") == NULL ||
              !preseed_is(p, "certificate", "agree_tos", "yes")),
         "kind = letsencrypt needs [box] url, [certificate] mail, and agree_tos = yes: its terms"},
        {preseed_is(p, "certificate", "proof", "cloudflare") &&
             preseed_get(p, "cloudflare", "token_file") == NULL,
         "proof = cloudflare needs [cloudflare] token_file"},
    };
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].wrong) {
            wrong++;
            fprintf(out, "%s: %s\n", p->path, rules[i].what);
        }
    return wrong;
}

int preseed_read(struct preseed *p, const char *path, FILE *complaints, struct err *err)
{
    unsigned wrong = 0;

    memset(p, 0, sizeof *p);
    if (str_copy(p->path, sizeof p->path, path) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", path);
    if (file_private(path, err) == -1) {
        if (err->kind == ERR_FORBIDDEN)
            return err_hint(err, "chmod 600 %s, and choose other secrets: others may know these",
                            path);
        return -1;
    }
    if (conf_read(&p->conf, path, err) == -1)
        return -1;
    for (uint32_t i = 0; i < p->conf.count; i++) {
        struct err why = {0};
        if (check_row(p, &p->conf.rows[i], &why) == 0)
            continue;
        wrong++;
        complain(p, complaints, p->conf.rows[i].line, &why);
    }
    wrong += check_whole(p, complaints);
    if (wrong == 0)
        return 0;
    (void)err_set(err, ERR_INVALID, "preseed", "%s: %u line%s cannot be, and nothing was done",
                  path, wrong, wrong == 1 ? "" : "s");
    return err_hint(err, "mend %s, then: sett init", wrong == 1 ? "it" : "them");
}

/* ---- its end ---- */

/* On a disk that copies on writing the old blocks may stay; what can be done is done. */
static int wipe(const char *path, struct err *err)
{
    static const char zeros[4096];
    struct stat st;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0;

    if (fd == -1)
        return errno == ENOENT ? 0 : err_sys(err, "wipe", errno, path);
    if (fstat(fd, &st) == 0)
        for (off_t at = 0; rc == 0 && at < st.st_size; at += (off_t)sizeof zeros)
            rc = file_write_all(fd, zeros, sizeof zeros);
    if (rc == -1 || fsync(fd) == -1 || unlink(path) == -1)
        rc = err_sys(err, "wipe", errno, path);
    (void)close(fd);
    return rc;
}

/* The files beside it first: as long as it is there itself this is done once more. */
int preseed_wipe(const struct preseed *p, struct err *err)
{
    char folder[PATHS_SIZE + 16], path[2 * PATHS_SIZE];
    struct dirent *entry;
    DIR *dir;
    int rc = 0;

    (void)str_copy(folder, sizeof folder, p->path);
    if (str_ends(folder, ".conf"))
        folder[strlen(folder) - strlen(".conf")] = '\0';
    memcpy(folder + strlen(folder), ".d", sizeof ".d");
    dir = opendir(folder);
    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' &&
            str_format(path, sizeof path, "%s/%s", folder, entry->d_name) == 0)
            rc = wipe(path, err);
    if (dir != NULL) {
        (void)closedir(dir);
        (void)rmdir(folder);
    }
    return rc == -1 ? -1 : wipe(p->path, err);
}
