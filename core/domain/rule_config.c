/*
 * What a tunnel's records mean as one configuration, and the text of it that was sent and that is
 * in force. Apart from the records because a whole configuration is too long for one.
 */
#include "rule.h"

#include <string.h>

#include "str.h"

static const struct field rows[] = {
    FIELD(struct rule_part, tunnel_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tun"),
    FIELD(struct rule_part, which, FIELD_U32, .help = "0: sent, 1: in force"),
    FIELD(struct rule_part, number, FIELD_U32, .help = "from 1"),
    FIELD(struct rule_part, text, FIELD_TEXT, .flags = FIELD_FREE, .help = "piece of JSON"),
};

const struct table rule_part_table = {
    .name = "rule_parts",
    .noun = "rule_part",
    .id = 24,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct rule_part)},
    .key = {"tunnel_id", "which", "number"},
};

/* ---- the configuration ---- */

static int add_own(const struct tunnel *tunnel, bool maintenance, struct cloudflared_config *config,
                   struct err *err)
{
    struct cloudflared_rule *is = cloudflared_add(config, config->count, err);

    if (is == NULL)
        return -1;
    (void)str_copy(is->hostname, sizeof is->hostname, tunnel->hostname);
    (void)str_copy(is->path, sizeof is->path, tunnel->path);
    (void)str_copy(is->service, sizeof is->service,
                   maintenance ? "http_status:503" : tunnel->service);
    is->origin.no_tls_verify = tunnel->no_tls_verify;
    (void)str_copy(is->origin.origin_server_name, sizeof is->origin.origin_server_name,
                   tunnel->origin_server_name);
    (void)str_copy(is->origin.http_host_header, sizeof is->origin.http_host_header,
                   tunnel->http_host_header);
    return 0;
}

static int add_rule(const struct rule *rule, const struct tunnel *tunnel, bool maintenance,
                    struct cloudflared_config *config, struct err *err)
{
    struct cloudflared_rule *is = cloudflared_add(config, config->count, err);
    bool own = rule->is.service[0] == '\0' || str_equal(rule->is.service, tunnel->service);

    if (is == NULL)
        return -1;
    *is = rule->is;
    if (own)
        (void)str_copy(is->service, sizeof is->service,
                       maintenance                  ? "http_status:503"
                       : tunnel->service[0] != '\0' ? tunnel->service
                                                    : CLOUDFLARED_CATCH_ALL);
    if (rule->is.service[0] == '\0')
        is->origin.no_tls_verify = is->origin.no_tls_verify || tunnel->no_tls_verify;
    return 0;
}

int rule_config(const struct rule_list *list, const struct tunnel *tunnel, bool maintenance,
                struct cloudflared_config *config, struct err *err)
{
    struct cloudflared_rule *last;

    for (uint32_t i = 0; i <= list->count; i++) {
        if (i == list->own && tunnel_routed(tunnel) &&
            add_own(tunnel, maintenance, config, err) == -1)
            return -1;
        if (i < list->count && add_rule(&list->rules[i], tunnel, maintenance, config, err) == -1)
            return -1;
    }
    if ((last = cloudflared_add(config, config->count, err)) == NULL)
        return -1;
    (void)str_copy(last->service, sizeof last->service,
                   tunnel->catch_all[0] != '\0' ? tunnel->catch_all : CLOUDFLARED_CATCH_ALL);
    return 0;
}

/* ---- its text ---- */

static int walk(struct scan *scan, struct txn *txn, struct rule_part *part, const char *tunnel_id,
                enum rule_text which, struct err *err)
{
    memset(part, 0, sizeof *part);
    (void)str_copy(part->tunnel_id, sizeof part->tunnel_id, tunnel_id);
    part->which = (uint32_t)which;
    return scan_start(scan, txn, &rule_part_table, NULL, part, 2, false, err);
}

int rule_text_keep(struct txn *txn, const char *tunnel_id, enum rule_text which, const char *text,
                   size_t len, struct err *err)
{
    struct rule_part part;
    struct scan scan;
    int got;

    if (walk(&scan, txn, &part, tunnel_id, which, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &part, err)) == 1)
        if (record_delete(txn, &rule_part_table, &part, err) == -1)
            return -1;
    if (got == -1)
        return -1;
    memset(&part, 0, sizeof part);
    (void)str_copy(part.tunnel_id, sizeof part.tunnel_id, tunnel_id);
    part.which = (uint32_t)which;
    for (size_t at = 0; at < len;) {
        size_t n = len - at < RULE_PART_BYTES ? len - at : RULE_PART_BYTES;
        while (at + n < len && n > 1 && ((unsigned char)text[at + n] & 0xc0) == 0x80)
            n--; /* a piece ends at a whole character */
        part.number++;
        if (str_copy_n(part.text, sizeof part.text, text + at, n) == -1)
            return err_set(err, ERR_INTERNAL, "rule_text", "a configuration has a NUL in it");
        if (record_insert(txn, &rule_part_table, &part, err) == -1)
            return -1;
        at += n;
    }
    return 0;
}

int rule_text_read(struct txn *txn, const char *tunnel_id, enum rule_text which, struct buf *out,
                   struct err *err)
{
    struct rule_part part;
    struct scan scan;
    int got;

    if (walk(&scan, txn, &part, tunnel_id, which, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &part, err)) == 1)
        (void)buf_text(out, part.text);
    return got;
}
