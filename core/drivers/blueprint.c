/*
 * Blueprints, read strictly: a key that nobody knows is an error and not a wish. Apart so that
 * drivers work with a checked struct and never with text that a person wrote.
 */
#include "blueprint.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define EXCLUDE_STARS 4

enum kind {
    KIND_TEXT,
    KIND_NUMBER,
    KIND_SIZE,
    KIND_FLAG,
    KIND_COMMAND,
    KIND_RUNTIME,
    KIND_PATH,
    KIND_FAILS
};

/* The keys that are known, each with its bounds (text: of length). */
struct key {
    const char *section, *name;
    enum kind kind;
    size_t offset, size;
    uint64_t min, max;
};

#define AT(member_) offsetof(struct blueprint, member_), sizeof(((struct blueprint *)0)->member_)

static const struct key keys[] = {
    {"blueprint", "title", KIND_TEXT, AT(title), 1, 95},
    {"blueprint", "runtime", KIND_RUNTIME, AT(runtime), 1, 15},
    {"blueprint", "image", KIND_TEXT, AT(image), 1, 199},
    {"blueprint", "engine", KIND_TEXT, AT(engine), 1, 31},
    {"blueprint", "command", KIND_COMMAND, AT(command), 0, 0},
    {"blueprint", "inner_port", KIND_NUMBER, AT(inner_port), 1, 65535},
    {"blueprint", "health_path", KIND_PATH, AT(health_path), 1, 127},
    {"blueprint", "health_timeout_s", KIND_NUMBER, AT(health_timeout_s), 1, 3600},
    {"blueprint", "read_only", KIND_FLAG, AT(read_only), 0, 0},
    {"blueprint", "user", KIND_TEXT, AT(user), 0, 31},
    {"blueprint", "database", KIND_FLAG, AT(database), 0, 0},
    {"limits", "memory", KIND_SIZE, AT(limits.memory_bytes), 4u << 20, 1ull << 50},
    {"limits", "storage", KIND_SIZE, AT(limits.storage_bytes), 1u << 20, 1ull << 50},
    {"limits", "cpu_millis", KIND_NUMBER, AT(limits.cpu_millis), 10, 1000000},
    {"limits", "pids", KIND_NUMBER, AT(limits.pids), 4, 1000000},
    {"limits", "nofile", KIND_NUMBER, AT(limits.nofile), 16, 1048576},
    {"limits", "max_users", KIND_NUMBER, AT(limits.max_users), 1, 1000000},
    {"backup", "pause", KIND_FLAG, AT(backup.pause), 0, 0},
    {"backup", "command_s", KIND_NUMBER, AT(backup.command_s), 1, 3600},
    {"backup", "hold_s", KIND_NUMBER, AT(backup.hold_s), 1, 86400},
    {"backup", "if_fails", KIND_FAILS, AT(backup.must), 0, 0},
};
#define KEYS (sizeof keys / sizeof keys[0])

/* What each runtime wants of the whole; there is no one line to name. */
static const struct rules {
    const char *name;
    bool image, command, inner_port; /* needs it; without image it can have none */
} runtimes[] = {
    {"process", false, true, false}, {"docker", true, false, true},  {"lxc", true, false, true},
    {"swarm", true, false, true},    {"proxmox", true, false, true},
};

static const struct rules *rules_of(const char *name)
{
    for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++)
        if (str_equal(runtimes[i].name, name))
            return &runtimes[i];
    return NULL;
}

struct load {
    struct blueprint *b;
    const char *path;
    bool seen[KEYS];
    struct err *err;
};

static int refuse(const struct load *l, int line, const char *what, const char *why)
{
    return err_set(l->err, ERR_INVALID, "blueprint_invalid", "%s, line %d: %s %s", l->path, line,
                   what, why);
}

bool blueprint_variable_name(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

    return len > 0 && len < KV_NAME_MAX && name[len] == '\0' && (name[0] < '0' || name[0] > '9');
}

/* A short lower-case name: of a blueprint, of a volume's folder. */
static bool is_slug(const char *s, size_t max)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && len <= max && s[len] == '\0' && s[0] >= 'a' && s[0] <= 'z' &&
           s[len - 1] != '-';
}

/* An absolute path without "..", blanks or anything that would need quoting. */
static bool is_path(const char *s, size_t max)
{
    for (const char *p = s; *p != '\0'; p++)
        if (*p <= ' ' || *p == 0x7f || *p == '"' || *p == '\\' ||
            (p[0] == '/' && p[1] == '.' && p[2] == '.' && (p[3] == '/' || p[3] == '\0')))
            return false;
    return s[0] == '/' && strlen(s) <= max;
}

int blueprint_split(struct blueprint_command *out, const char *text, struct err *err)
{
    bool quoted = false, begun = false;
    size_t len = 0;

    memset(out, 0, sizeof *out);
    for (const char *p = text;; p++) {
        bool blank = *p == ' ' || *p == '\t';
        if (*p == '\0' && quoted)
            return err_set(err, ERR_INVALID, "command_quote", "a quote does not end");
        if (*p == '\0' || (blank && !quoted)) {
            if (begun)
                out->count++;
            begun = false;
            len = 0;
            if (*p == '\0')
                break;
            continue;
        }
        if (!begun && out->count == BLUEPRINT_ARGS)
            return err_set(err, ERR_INVALID, "command_args", "more than %d arguments",
                           BLUEPRINT_ARGS);
        begun = true;
        if (*p == '"') {
            quoted = !quoted;
            continue;
        }
        if (len + 1 >= sizeof out->args[0])
            return err_set(err, ERR_INVALID, "command_arg", "an argument is too long");
        out->args[out->count][len++] = *p;
    }
    if (out->count == 0)
        return err_set(err, ERR_INVALID, "command_empty", "there is no command");
    return 0;
}

int blueprint_expand(char *out, size_t size, const char *text, const struct kv *vars,
                     struct err *err)
{
    size_t used = 0;

    for (const char *p = text; *p != '\0'; p++) {
        char name[KV_NAME_MAX];
        const char *value = p, *end;
        size_t len = 1;

        if (p[0] == '$' && p[1] == '$') {
            p++;
        } else if (p[0] == '$' && p[1] == '{') {
            if ((end = strchr(p, '}')) == NULL ||
                str_copy_n(name, sizeof name, p + 2, (size_t)(end - p - 2)) == -1 ||
                (value = kv_get(vars, name)) == NULL)
                return err_set(err, ERR_INVALID, "variable_unknown",
                               "\"%s\" names a variable that does not exist", text);
            len = strlen(value);
            p = end;
        }
        if (len >= size - used)
            return err_set(err, ERR_INVALID, "expansion_too_long",
                           "\"%s\" is too long with its variables in place", text);
        memcpy(out + used, value, len);
        used += len;
    }
    out[used] = '\0';
    return 0;
}

/* "64M": a number of bytes with an optional unit. */
static int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    static const char units[] = "KMGT";
    char digits[24];
    size_t len = strlen(text);
    const char *unit = len > 1 ? strchr(units, text[len - 1]) : NULL;
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);

    if (str_copy_n(digits, sizeof digits, text, len - (unit != NULL)) == -1 ||
        str_u64(digits, 0, UINT64_MAX >> shift, out) == -1)
        return -1;
    *out <<= shift;
    return *out < min || *out > max ? -1 : 0;
}

static int parse_flag(const char *text, bool *out)
{
    *out = str_equal(text, "yes") || str_equal(text, "true");
    return *out || str_equal(text, "no") || str_equal(text, "false") ? 0 : -1;
}

static int set_key(const struct load *l, const struct key *key, const struct conf_row *row)
{
    void *at = (char *)l->b + key->offset;
    struct err why;
    uint64_t n = 0;

    switch (key->kind) {
    case KIND_RUNTIME:
        if (rules_of(row->value) == NULL)
            return refuse(l, row->line, key->name,
                          "must be one of process, docker, lxc, swarm, proxmox");
        return str_copy(at, key->size, row->value);
    case KIND_PATH:
        if (!is_path(row->value, (size_t)key->max))
            return refuse(l, row->line, key->name, "must be an absolute path");
        return str_copy(at, key->size, row->value);
    case KIND_TEXT:
        if (strlen(row->value) < key->min || str_copy(at, key->size, row->value) == -1 ||
            !str_utf8(row->value, strlen(row->value)))
            return refuse(l, row->line, key->name, "is empty, too long or not UTF-8");
        return 0;
    case KIND_NUMBER:
        if (str_u64(row->value, key->min, key->max, &n) == -1)
            return refuse(l, row->line, key->name, "is no number within its bounds");
        *(uint32_t *)at = (uint32_t)n;
        return 0;
    case KIND_SIZE:
        if (parse_size(row->value, key->min, key->max, at) == -1)
            return refuse(l, row->line, key->name, "is no size within its bounds");
        return 0;
    case KIND_FLAG:
        if (parse_flag(row->value, at) == -1)
            return refuse(l, row->line, key->name, "must be yes or no");
        return 0;
    case KIND_FAILS:
        *(bool *)at = str_equal(row->value, "fail");
        if (!*(bool *)at && !str_equal(row->value, "anyway"))
            return refuse(l, row->line, key->name, "must be anyway or fail");
        return 0;
    case KIND_COMMAND:
        if (blueprint_split(at, row->value, &why) == -1)
            return refuse(l, row->line, key->name, why.text);
        return 0;
    }
    return 0;
}

static int add_variable(const struct load *l, struct kv *kv, const struct conf_row *row)
{
    if (!blueprint_variable_name(row->name))
        return refuse(l, row->line, row->name, "is not a variable's name ([A-Z_][A-Z0-9_]*)");
    if (kv_get(kv, row->name) != NULL)
        return refuse(l, row->line, row->name, "is given twice");
    if (!str_utf8(row->value, strlen(row->value)) || kv_set(kv, row->name, row->value) == -1)
        return refuse(l, row->line, row->name, "is not UTF-8 or does not fit");
    return 0;
}

static int add_generated(const struct load *l, const struct conf_row *row)
{
    uint64_t length;

    if (str_u64(row->value, BLUEPRINT_GENERATED_MIN, BLUEPRINT_GENERATED_MAX, &length) == -1)
        return refuse(l, row->line, row->name, "is the length of a password, 12 to 64");
    if (str_starts(row->name, "TENANT_") || str_starts(row->name, "DB_") ||
        kv_get(&l->b->variables, row->name) != NULL)
        return refuse(l, row->line, row->name, "is a variable already");
    return add_variable(l, &l->b->generated, row);
}

static int add_credential(const struct load *l, const struct conf_row *row)
{
    struct kv *kv = &l->b->credentials;

    if (!is_slug(row->name, BLUEPRINT_CREDENTIAL_NAME))
        return refuse(l, row->line, row->name, "is not a credential's name ([a-z][a-z0-9-]*)");
    if (kv_get(kv, row->name) != NULL)
        return refuse(l, row->line, row->name, "is given twice");
    if (!str_utf8(row->value, strlen(row->value)) || kv_set(kv, row->name, row->value) == -1 ||
        kv->len > BLUEPRINT_CREDENTIALS_BYTES)
        return refuse(l, row->line, row->name, "is not UTF-8, or they are too long together");
    return 0;
}

static int add_volume(const struct load *l, const struct conf_row *row)
{
    struct blueprint *b = l->b;

    if (b->volume_count == BLUEPRINT_VOLUMES)
        return refuse(l, row->line, row->name, "is one volume too many");
    for (uint32_t i = 0; i < b->volume_count; i++)
        if (str_equal(b->volumes[i].name, row->name))
            return refuse(l, row->line, row->name, "is given twice");
    if (!is_slug(row->name, sizeof b->volumes[0].name - 1))
        return refuse(l, row->line, row->name, "is not a volume's name ([a-z][a-z0-9-]*)");
    if (!is_path(row->value, sizeof b->volumes[0].target - 1))
        return refuse(l, row->line, row->name, "must be an absolute path");
    (void)str_copy(b->volumes[b->volume_count].name, sizeof b->volumes[0].name, row->name);
    (void)str_copy(b->volumes[b->volume_count++].target, sizeof b->volumes[0].target, row->value);
    return 0;
}

/* One more command of a list that has room for ${most}. */
static int add_command(const struct load *l, const struct conf_row *row,
                       struct blueprint_command *list, uint32_t *count, uint32_t most)
{
    struct err why;

    if (*count == most)
        return refuse(l, row->line, row->name, "is one command too many");
    if (blueprint_split(&list[*count], row->value, &why) == -1)
        return refuse(l, row->line, row->name, why.text);
    (*count)++;
    return 0;
}

static int add_init(const struct load *l, const struct conf_row *row)
{
    struct blueprint *b = l->b;

    if (!str_equal(row->name, "command"))
        return refuse(l, row->line, row->name, "is not a key of [init]");
    return add_command(l, row, b->init, &b->init_count, BLUEPRINT_COMMANDS);
}

/* A pattern: bounded in its stars, for each may be tried at every place of a name. */
static int add_exclude(const struct load *l, const struct conf_row *row)
{
    struct blueprint_backup *k = &l->b->backup;
    const char *text = row->value;
    unsigned stars = 0;

    if (k->exclude_count == BLUEPRINT_EXCLUDES)
        return refuse(l, row->line, row->name, "is one pattern too many");
    for (const char *p = text; *p != '\0'; p++)
        stars += *p == '*';
    if (text[0] == '\0' || text[0] == '/' || stars > EXCLUDE_STARS || strstr(text, "..") != NULL ||
        text[strlen(text) - 1] == '/' || !str_utf8(text, strlen(text)) ||
        str_copy(k->exclude[k->exclude_count], sizeof k->exclude[0], text) == -1)
        return refuse(
            l, row->line, row->name,
            "is no pattern for names below the tenant's folder, as in data/cache or *.tmp");
    k->exclude_count++;
    return 0;
}

static int add_constraint(const struct load *l, const struct conf_row *row)
{
    struct blueprint *b = l->b;

    if (!str_equal(row->name, "constraint"))
        return refuse(l, row->line, row->name, "is not a key of [placement]");
    if (b->constraint_count == BLUEPRINT_CONSTRAINTS)
        return refuse(l, row->line, row->name, "is one constraint too many");
    if ((strstr(row->value, "==") == NULL && strstr(row->value, "!=") == NULL) ||
        str_copy(b->constraints[b->constraint_count], sizeof b->constraints[0], row->value) == -1)
        return refuse(l, row->line, row->name, "is no constraint such as node.labels.disk==ssd");
    b->constraint_count++;
    return 0;
}

static int add_row(struct load *l, const struct conf_row *row)
{
    struct blueprint *b = l->b;

    if (str_equal(row->section, "placement"))
        return add_constraint(l, row);
    if (str_equal(row->section, "env"))
        return add_variable(l, &l->b->env, row);
    if (str_equal(row->section, "variables"))
        return add_variable(l, &l->b->variables, row);
    if (str_equal(row->section, "generated"))
        return add_generated(l, row);
    if (str_equal(row->section, "credentials"))
        return add_credential(l, row);
    if (str_equal(row->section, "volumes"))
        return add_volume(l, row);
    if (str_equal(row->section, "init"))
        return add_init(l, row);
    if (str_equal(row->section, "backup") && str_equal(row->name, "before"))
        return add_command(l, row, b->backup.before, &b->backup.before_count, BLUEPRINT_BACKUP);
    if (str_equal(row->section, "backup") && str_equal(row->name, "after"))
        return add_command(l, row, b->backup.after, &b->backup.after_count, BLUEPRINT_BACKUP);
    if (str_equal(row->section, "backup") && str_equal(row->name, "exclude"))
        return add_exclude(l, row);
    for (size_t i = 0; i < KEYS; i++) {
        if (!str_equal(keys[i].section, row->section) || !str_equal(keys[i].name, row->name))
            continue;
        if (l->seen[i])
            return refuse(l, row->line, row->name, "is given twice");
        l->seen[i] = true;
        return set_key(l, &keys[i], row);
    }
    return refuse(l, row->line, row->name, "is not a key that a blueprint has there");
}

/* Its API makes containers and runs nothing inside. */
static const char *check_proxmox(const struct blueprint *b)
{
    if (strchr(b->image, ':') == NULL && b->image[strspn(b->image, "0123456789")] != '\0')
        return "its image is neither STORAGE:vztmpl/FILE nor a container's number";
    if (b->command.count != 0 || b->init_count != 0 || b->backup.pause ||
        b->backup.before_count + b->backup.after_count != 0)
        return "its API runs no commands: let the template do it at first boot";
    if (b->volume_count != 0)
        return "can have no volumes: its own disk keeps its files";
    return NULL;
}

/* What must hold of the whole; there is no one line to name. */
static int check_whole(const struct load *l)
{
    const struct blueprint *b = l->b;
    const struct rules *r = rules_of(b->runtime);
    const char *why = NULL;

    if (r == NULL)
        return err_set(l->err, ERR_INVALID, "blueprint_invalid", "%s says no runtime", l->path);
    if (r->command && b->command.count == 0)
        why = "needs a command";
    else if (!r->image && b->image[0] != '\0')
        why = "can have no image";
    else if (r->image && b->image[0] == '\0')
        why = "needs an image";
    else if (r->inner_port && b->inner_port == 0)
        why = "needs an inner_port";
    else if (b->constraint_count > 0 && !str_equal(b->runtime, "swarm"))
        why = "can have no [placement]";
    else if (b->engine[0] != '\0' && !str_equal(b->runtime, "docker"))
        why = "can have no engine";
    else if (b->engine[0] != '\0' && !is_slug(b->engine, sizeof b->engine - 1))
        why = "an engine whose name is none";
    else if (str_equal(b->runtime, "proxmox"))
        why = check_proxmox(b);
    if (why == NULL)
        return 0;
    return err_set(l->err, ERR_INVALID, "blueprint_invalid", "%s has runtime %s and %s", l->path,
                   b->runtime, why);
}

static int fill(struct load *l, const struct conf *conf)
{
    struct blueprint *b = l->b;

    for (uint32_t i = 0; i < conf->count; i++)
        if (add_row(l, &conf->rows[i]) == -1)
            return -1;
    if (b->title[0] == '\0')
        (void)str_copy(b->title, sizeof b->title, b->name);
    if (b->health_path[0] == '\0')
        (void)str_copy(b->health_path, sizeof b->health_path, "/");
    if (b->health_timeout_s == 0)
        b->health_timeout_s = 60;
    if (b->backup.command_s == 0)
        b->backup.command_s = 60;
    if (b->backup.hold_s == 0)
        b->backup.hold_s = 600;
    return check_whole(l);
}

bool blueprint_excludes(const struct blueprint *b, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;

    for (uint32_t i = 0; i < b->backup.exclude_count; i++) {
        const char *pattern = b->backup.exclude[i];
        if (fnmatch(pattern, strchr(pattern, '/') == NULL ? name : path, FNM_PATHNAME) == 0)
            return true;
    }
    return false;
}

bool blueprint_is_quieted(const struct blueprint *b)
{
    return b->backup.pause || b->backup.before_count > 0 || b->backup.after_count > 0;
}

int blueprint_load(struct blueprint *b, const char *folder, const char *name, struct err *err)
{
    char path[512];
    struct conf *conf;
    struct load l = {.b = b, .path = path, .err = err};
    int result = -1;

    memset(b, 0, sizeof *b);
    if (!is_slug(name, sizeof b->name - 1))
        return err_field(err, "blueprint", "blueprint_name", "\"%s\" is not a blueprint's name",
                         name);
    if (str_format(path, sizeof path, "%s/%s.conf", folder, name) == -1 ||
        str_format(b->folder, sizeof b->folder, "%s/%s", folder, name) == -1)
        return err_set(err, ERR_INVALID, "blueprint_name", "the path of blueprint %s is too long",
                       name);
    (void)str_copy(b->name, sizeof b->name, name);
    if ((conf = malloc(sizeof *conf)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for blueprint %s", name);
    if (conf_read(conf, path, err) == 0)
        result = fill(&l, conf);
    free(conf);
    return result;
}
