/*
 * config.yml as cloudflared reads it. Apart from the rules' own checks because here is libyaml, and
 * what Go's yaml.v3 makes of a scalar: "no" is a host name where a text is wanted, and 30 is no
 * time.
 */
#include "cloudflared.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cloudflared_members.h"
#include "json_out.h"
#include "str.h"

#define DEPTH_MAX 8
#define KEYS_MAX  100 /* of one mapping; cloudflared knows about fifty */

struct reader {
    yaml_document_t document;
    struct cloudflared_config *config;
    struct cloudflared_remarks *remarks;
    struct err *err;
};

static yaml_node_t *node_at(struct reader *r, int id)
{
    return yaml_document_get_node(&r->document, id);
}

static const char *scalar(const yaml_node_t *n)
{
    return n != NULL && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

/* ---- what yaml.v3 takes a scalar for ---- */

static bool among(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_equal(*words, word))
            return true;
    return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {"true", "True", "TRUE", NULL};
static const char *const falses[] = {"false", "False", "FALSE", NULL};
static const char *const old_trues[] = {"y", "Y", "yes", "on", NULL}; /* where a bool is wanted */
static const char *const old_falses[] = {"n", "N", "no", "off", NULL};

static bool plain(const yaml_node_t *n)
{
    return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_number(const char *s, double *value)
{
    char *end;

    if (strspn(s, "0123456789+-.eE_") != strlen(s) || strpbrk(s, "0123456789") == NULL)
        return false;
    *value = strtod(s, &end);
    return *end == '\0';
}

static bool is_null(const yaml_node_t *n)
{
    return plain(n) && among(scalar(n), nulls);
}

static const char *kind_of(const yaml_node_t *n)
{
    double number;

    if (n->type == YAML_SEQUENCE_NODE)
        return "!!seq";
    if (n->type == YAML_MAPPING_NODE)
        return "!!map";
    if (!plain(n))
        return "!!str";
    if (among(scalar(n), trues) || among(scalar(n), falses))
        return "!!bool";
    if (is_number(scalar(n), &number))
        return strpbrk(scalar(n), ".eE") == NULL ? "!!int" : "!!float";
    return "!!str";
}

static int cannot(struct reader *r, const yaml_node_t *n, const char *into)
{
    return err_field(r->err, "config", "bad_yaml",
                     "error parsing YAML: line %zu: cannot unmarshal %s `%.60s` into %s",
                     n->start_mark.line + 1, kind_of(n), scalar(n), into);
}

/* ---- typed values ---- */

static int read_text(struct reader *r, const yaml_node_t *n, char *out, size_t size)
{
    if (n->type != YAML_SCALAR_NODE)
        return cannot(r, n, "string");
    if (is_null(n))
        return 0;
    if (strlen(scalar(n)) != n->data.scalar.length || str_copy(out, size, scalar(n)) == -1)
        return err_field(r->err, "config", "too_long", "line %zu: longer than sett keeps it",
                         n->start_mark.line + 1);
    return 0;
}

static int read_bool(struct reader *r, const yaml_node_t *n, bool *out)
{
    const char *word = scalar(n);

    if (n->type != YAML_SCALAR_NODE)
        return cannot(r, n, "bool");
    if (is_null(n))
        return 0;
    *out = (plain(n) && among(word, trues)) || among(word, old_trues);
    if (*out || (plain(n) && among(word, falses)) || among(word, old_falses))
        return 0;
    return cannot(r, n, "bool");
}

static int read_count(struct reader *r, const yaml_node_t *n, uint32_t *out)
{
    double value = 0;

    if (n->type == YAML_SCALAR_NODE && is_null(n))
        return 0;
    if (!plain(n) || !is_number(scalar(n), &value) || value > UINT32_MAX ||
        value < -(double)UINT32_MAX)
        return cannot(r, n, "int");
    *out = value < 0 ? 0 : (uint32_t)value;
    return 0;
}

/* Go's time.ParseDuration: "1m30s", "1.5h", "300ms". Return 0 with seconds, rounded up, or -1. */
static int duration(const char *s, uint32_t *out)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"μs", 1e-6},
                 {"ms", 1e-3}, {"s", 1},     {"m", 60},    {"h", 3600}};
    bool negative = *s == '-';
    double sum = 0;

    s += *s == '-' || *s == '+';
    if (*s == '\0')
        return -1;
    while (*s != '\0') {
        size_t digits = strspn(s, "0123456789."), len, i = 0;
        char number[32], *end;
        double value;
        if (digits == 0 || str_copy_n(number, sizeof number, s, digits) == -1 ||
            str_equal(number, "."))
            return -1;
        value = strtod(number, &end);
        len = strcspn(s + digits, "0123456789.");
        for (; i < sizeof units / sizeof units[0]; i++)
            if (strlen(units[i].unit) == len && memcmp(units[i].unit, s + digits, len) == 0)
                break;
        if (*end != '\0' || i == sizeof units / sizeof units[0])
            return -1;
        sum += value * units[i].seconds;
        s += digits + len;
    }
    if (sum > 1e9)
        return -1;
    *out = negative ? 0 : (uint32_t)sum + (sum > (double)(uint32_t)sum);
    return 0;
}

static int read_seconds(struct reader *r, const yaml_node_t *n, uint32_t *out)
{
    if (n->type == YAML_SCALAR_NODE && is_null(n))
        return 0;
    if (n->type != YAML_SCALAR_NODE || !str_equal(kind_of(n), "!!str") ||
        duration(scalar(n), out) == -1)
        return cannot(r, n, "time.Duration");
    return 0;
}

/* ---- mappings ---- */

static int unused(struct reader *r, const char *key)
{
    size_t len = strlen(r->remarks->unused_keys);

    r->remarks->unused++;
    if (str_format(r->remarks->unused_keys + len, sizeof r->remarks->unused_keys - len, "%s%s",
                   len > 0 ? ", " : "", key) == -1)
        r->remarks->unused_keys[len] = '\0';
    return 0;
}

/* That no key of a mapping stands there twice; as yaml.v3 says it. */
static int check_keys(struct reader *r, const yaml_node_t *map)
{
    const yaml_node_pair_t *top = map->data.mapping.pairs.top;

    if (top - map->data.mapping.pairs.start > KEYS_MAX)
        return err_field(r->err, "config", "too_long", "line %zu: more than %d keys in one mapping",
                         map->start_mark.line + 1, KEYS_MAX);
    for (const yaml_node_pair_t *a = map->data.mapping.pairs.start; a < top; a++)
        for (const yaml_node_pair_t *b = a + 1; b < top; b++)
            if (str_equal(scalar(node_at(r, a->key)), scalar(node_at(r, b->key))))
                return err_field(r->err, "config", "bad_yaml",
                                 "error parsing YAML: line %zu: mapping key \"%.60s\" already "
                                 "defined at line %zu",
                                 node_at(r, b->key)->start_mark.line + 1,
                                 scalar(node_at(r, b->key)),
                                 node_at(r, a->key)->start_mark.line + 1);
    return 0;
}

typedef int member(struct reader *r, const char *key, const yaml_node_t *value, void *arg);

static int each(struct reader *r, const yaml_node_t *map, const char *into, member *take, void *arg)
{
    if (map->type == YAML_SCALAR_NODE && is_null(map))
        return 0;
    if (map->type != YAML_MAPPING_NODE)
        return cannot(r, map, into);
    if (check_keys(r, map) == -1)
        return -1;
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++)
        if (take(r, scalar(node_at(r, p->key)), node_at(r, p->value), arg) == -1)
            return -1;
    return 0;
}

/* ---- originRequest ---- */

static int take_audience(struct reader *r, const yaml_node_t *list, struct cloudflared_origin *o)
{
    char tag[256];

    if (list->type == YAML_SCALAR_NODE && is_null(list))
        return 0;
    if (list->type != YAML_SEQUENCE_NODE)
        return cannot(r, list, "[]string");
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         i < list->data.sequence.items.top; i++) {
        size_t len = strlen(o->access_audiences);
        tag[0] = '\0';
        if (read_text(r, node_at(r, *i), tag, sizeof tag) == -1)
            return -1;
        if (strchr(tag, ',') != NULL ||
            str_format(o->access_audiences + len, sizeof o->access_audiences - len, "%s%s",
                       len > 0 ? "," : "", tag) == -1)
            return err_field(r->err, "config", "too_long", "too many audience tags");
    }
    return 0;
}

static int take_access(struct reader *r, const char *key, const yaml_node_t *value, void *arg)
{
    struct cloudflared_origin *o = arg;
    char environment[64] = "";

    if (str_equal(key, "required"))
        return read_bool(r, value, &o->access_required);
    if (str_equal(key, "teamName"))
        return read_text(r, value, o->access_team, sizeof o->access_team);
    if (str_equal(key, "audTag"))
        return take_audience(r, value, o);
    if (str_equal(key, "environment"))
        return read_text(r, value, environment, sizeof environment);
    return unused(r, key);
}

/* Members that rules do not have a place for: known to cloudflared, carried along. */
static const struct {
    const char *name;
    enum member_kind kind;
} carried[] = {{"noHappyEyeballs", MEMBER_BOOL}, {"bastionMode", MEMBER_BOOL},
               {"matchSNItoHost", MEMBER_BOOL},  {"caPool", MEMBER_TEXT},
               {"proxyAddress", MEMBER_TEXT},    {"proxyType", MEMBER_TEXT},
               {"proxyPort", MEMBER_COUNT},      {NULL, MEMBER_BOOL}};

static void to_json(struct reader *r, const yaml_node_t *n, struct json_out *j, unsigned depth)
{
    double number;

    if (depth > DEPTH_MAX || j->buf->failed) { /* an alias may stand for very much */
        j->buf->failed = true;
    } else if (n->type == YAML_SEQUENCE_NODE) {
        json_out_array(j);
        for (const yaml_node_item_t *i = n->data.sequence.items.start;
             i < n->data.sequence.items.top; i++)
            to_json(r, node_at(r, *i), j, depth + 1);
        json_out_end_array(j);
    } else if (n->type == YAML_MAPPING_NODE) {
        json_out_object(j);
        for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
             p++) {
            json_out_key(j, scalar(node_at(r, p->key)));
            to_json(r, node_at(r, p->value), j, depth + 1);
        }
        json_out_end_object(j);
    } else if (str_equal(kind_of(n), "!!bool")) {
        json_out_bool(j, among(scalar(n), trues));
    } else if (plain(n) && is_number(scalar(n), &number)) {
        json_out_i64(j, (int64_t)number);
    } else {
        json_out_text(j, scalar(n));
    }
}

static int carry(struct reader *r, const char *key, const yaml_node_t *value,
                 struct cloudflared_origin *o)
{
    size_t len = strlen(o->more);
    struct json_out j;
    struct buf b;
    int result = 0;

    buf_init(&b, sizeof o->more);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key(&j, key);
    to_json(r, value, &j, 0);
    json_out_end_object(&j);
    if (b.failed || str_format(o->more + len, sizeof o->more - len, "%s%.*s", len > 0 ? "," : "",
                               (int)b.len - 2, b.data + 1) == -1) {
        o->more[len] = '\0';
        result = err_field(r->err, "config", "too_long", "%s is longer than sett keeps it", key);
    }
    buf_free(&b);
    return result;
}

static int read_member(struct reader *r, const struct cloudflared_member *m,
                       const yaml_node_t *value, struct cloudflared_origin *o)
{
    void *at = (char *)o + m->offset;

    switch (m->kind) {
    case MEMBER_BOOL:
        return read_bool(r, value, at);
    case MEMBER_TEXT:
        return read_text(r, value, at, m->size);
    case MEMBER_COUNT:
        return read_count(r, value, at);
    case MEMBER_SECONDS:
        break;
    }
    return read_seconds(r, value, at);
}

static int take_origin(struct reader *r, const char *key, const yaml_node_t *value, void *arg)
{
    struct cloudflared_origin *o = arg;
    char text[256];
    uint32_t count;
    bool flag;

    for (const struct cloudflared_member *m = cloudflared_members; m->name != NULL; m++)
        if (str_equal(m->name, key))
            return read_member(r, m, value, o);
    if (str_equal(key, "access"))
        return each(r, value, "config.AccessConfig", take_access, o);
    if (str_equal(key, "ipRules")) {
        if (value->type != YAML_SEQUENCE_NODE)
            return is_null(value) ? 0 : cannot(r, value, "[]config.IngressIPRule");
        return carry(r, key, value, o);
    }
    for (size_t i = 0; carried[i].name != NULL; i++) {
        if (!str_equal(carried[i].name, key))
            continue;
        if (value->type == YAML_SCALAR_NODE && is_null(value))
            return 0;
        if ((carried[i].kind == MEMBER_BOOL    ? read_bool(r, value, &flag)
             : carried[i].kind == MEMBER_COUNT ? read_count(r, value, &count)
                                               : read_text(r, value, text, sizeof text)) == -1)
            return -1;
        return carry(r, key, value, o);
    }
    return unused(r, key);
}

/* ---- rules ---- */

static int take_rule(struct reader *r, const char *key, const yaml_node_t *value, void *arg)
{
    struct cloudflared_rule *rule = arg;

    if (str_equal(key, "hostname"))
        return read_text(r, value, rule->hostname, sizeof rule->hostname);
    if (str_equal(key, "path"))
        return read_text(r, value, rule->path, sizeof rule->path);
    if (str_equal(key, "service"))
        return read_text(r, value, rule->service, sizeof rule->service);
    if (str_equal(key, "originRequest"))
        return each(r, value, "config.OriginRequestConfig", take_origin, &rule->origin);
    return unused(r, key);
}

static int take_ingress(struct reader *r, const yaml_node_t *list)
{
    struct cloudflared_rule *rule;

    if (list->type == YAML_SCALAR_NODE && is_null(list))
        return 0;
    if (list->type != YAML_SEQUENCE_NODE)
        return cannot(r, list, "[]config.UnvalidatedIngressRule");
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         i < list->data.sequence.items.top; i++)
        if ((rule = cloudflared_add(r->config, r->config->count, r->err)) == NULL ||
            each(r, node_at(r, *i), "config.UnvalidatedIngressRule", take_rule, rule) == -1)
            return -1;
    return 0;
}

static int take_top(struct reader *r, const char *key, const yaml_node_t *value, void *arg)
{
    if (str_equal(key, "ingress"))
        return take_ingress(r, value);
    if (str_equal(key, "originRequest"))
        return each(r, value, "config.OriginRequestConfig", take_origin, arg);
    r->remarks->has_url = r->remarks->has_url || str_equal(key, "url");
    return 0; /* any of cloudflared's flags may stand here */
}

/* What the file says for all rules holds where a rule says nothing. */
static void give_defaults(struct cloudflared_config *config, const struct cloudflared_origin *all)
{
    static const char nothing[256];

    for (uint32_t i = 0; i < config->count; i++) {
        struct cloudflared_origin *o = &config->rules[i].origin;
        for (const struct cloudflared_member *m = cloudflared_members; m->name != NULL; m++)
            if (memcmp((char *)o + m->offset, nothing, m->size) == 0)
                memcpy((char *)o + m->offset, (const char *)all + m->offset, m->size);
        if (o->more[0] == '\0')
            memcpy(o->more, all->more, sizeof o->more);
    }
}

static int read_document(struct reader *r)
{
    struct cloudflared_origin all = {0};
    yaml_node_t *root = yaml_document_get_root_node(&r->document);

    if (root == NULL)
        return 0;
    if (each(r, root, "config.configFileSettings", take_top, &all) == -1)
        return -1;
    give_defaults(r->config, &all);
    return 0;
}

int cloudflared_parse_yaml(const char *text, size_t len, struct cloudflared_config *config,
                           struct cloudflared_remarks *remarks, struct err *err)
{
    struct reader r = {.config = config, .remarks = remarks, .err = err};
    yaml_parser_t parser;
    int result;

    memset(remarks, 0, sizeof *remarks);
    if (yaml_parser_initialize(&parser) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a YAML reader");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &r.document) == 0) {
        result = err_field(err, "config", "bad_yaml", "error parsing YAML: line %zu: %s",
                           parser.problem_mark.line + 1,
                           parser.problem == NULL ? "it is no YAML" : parser.problem);
    } else {
        result = read_document(&r);
        yaml_document_delete(&r.document);
    }
    yaml_parser_delete(&parser);
    return result;
}

int cloudflared_read(const char *text, size_t len, struct cloudflared_config *config,
                     struct cloudflared_remarks *remarks, struct err *err)
{
    size_t blanks = 0;

    memset(remarks, 0, sizeof *remarks);
    while (blanks < len && strchr(" \t\r\n", text[blanks]) != NULL)
        blanks++;
    if (blanks < len && text[blanks] == '{') {
        if (cloudflared_parse_json(text, len, config, err) == -1)
            return -1;
    } else if (cloudflared_parse_yaml(text, len, config, remarks, err) == -1) {
        return -1;
    }
    if (remarks->has_url && config->count > 0)
        return err_field(err, "url", "url_and_rules",
                         "You can't set the --url flag (or $TUNNEL_URL) when using multiple-origin "
                         "ingress rules");
    return 0;
}

int cloudflared_validate(const char *text, size_t len, struct cloudflared_config *config,
                         struct cloudflared_remarks *remarks, struct err *err)
{
    if (cloudflared_read(text, len, config, remarks, err) == -1)
        return -1;
    return cloudflared_check(config, err);
}
