#ifndef SETT_CLOUDFLARED_H
#define SETT_CLOUDFLARED_H
/*
 * The ingress rules of cloudflared, as that program understands them: what it accepts, which rule a
 * request meets, and the two forms in which they are written (JSON for a remotely configured
 * tunnel, YAML for config.yml). Source: its own ingress package;
 * tests/contracts/cloudflared-vectors.json holds what the real program answered.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

struct cJSON;

#define CLOUDFLARED_RULES_MAX 1000
#define CLOUDFLARED_TEXT_MAX  (1024u * 1024u) /* of a whole configuration */
#define CLOUDFLARED_CATCH_ALL "http_status:404"

/* How the service is spoken to. 0, "" and false: cloudflared's own default. */
struct cloudflared_origin {
    bool no_tls_verify, http2_origin, disable_chunked_encoding;
    char origin_server_name[256], http_host_header[256];
    uint32_t connect_timeout_s, tls_timeout_s, tcp_keep_alive_s;
    uint32_t keep_alive_timeout_s, keep_alive_connections;
    bool access_required;
    char access_team[64], access_audiences[512]; /* audiences with commas between them */
    char more[512]; /* JSON members that are not among these, as they came: "\"caPool\":\"/x\"" */
};

struct cloudflared_rule {
    char hostname[256]; /* exact, "*.example.com", or "" for all */
    char path[256];     /* Go's RE2, unanchored; "" for all */
    char service[256];
    struct cloudflared_origin origin;
};

/* A list that ends with the rule that catches all. */
struct cloudflared_config {
    struct cloudflared_rule *rules;
    uint32_t count, room;
};

/* What a reader of config.yml should be told besides. */
struct cloudflared_remarks {
    uint32_t unused;       /* keys that cloudflared does not know */
    char unused_keys[240]; /* the first of them, with commas */
    bool has_url;          /* a url: of its own stands beside the rules */
};

/** cloudflared_free(config): give the rules back; it is empty and usable again. */
void cloudflared_free(struct cloudflared_config *config);

/** cloudflared_add(config, at, err): room for one more rule, all zero, at place ${at} (at most
 * config->count), or NULL: ERR_QUOTA beyond CLOUDFLARED_RULES_MAX. Valid until the next change. */
struct cloudflared_rule *cloudflared_add(struct cloudflared_config *config, uint32_t at,
                                         struct err *err);

/** cloudflared_same_origin(a, b): whether two services are spoken to alike. */
bool cloudflared_same_origin(const struct cloudflared_origin *a,
                             const struct cloudflared_origin *b);

/** cloudflared_plain(origin): whether it says nothing that is not cloudflared's own default. */
bool cloudflared_plain(const struct cloudflared_origin *origin);

/** cloudflared_same_rule(a, b): whether two rules say the same. */
bool cloudflared_same_rule(const struct cloudflared_rule *a, const struct cloudflared_rule *b);

/** cloudflared_same(a, b): whether two lists say the same. */
bool cloudflared_same(const struct cloudflared_config *a, const struct cloudflared_config *b);

/** cloudflared_check(config, err): the verdict and the words of `cloudflared tunnel ingress
 * validate`. ERR_INVALID, the place in err->field ("ingress[3].hostname"). Return 0 or -1. */
int cloudflared_check(const struct cloudflared_config *config, struct err *err);

/** cloudflared_check_rule(rule, err): that part of it that looks at one rule alone; the member in
 * err->field ("hostname"). Return 0 or -1. */
int cloudflared_check_rule(const struct cloudflared_rule *rule, struct err *err);

/** cloudflared_host_matches(pattern, host): whether a rule's host name means this one: equal, in
 * Punycode, or below a "*."; "" and "*" mean all. */
bool cloudflared_host_matches(const char *pattern, const char *host);

/** cloudflared_match(config, url, err): the place of the first rule that an address meets, as
 * `cloudflared tunnel ingress rule` finds it. ERR_INVALID if ${url} has no scheme or host, or the
 * list is empty. Return it or -1. */
int cloudflared_match(const struct cloudflared_config *config, const char *url, struct err *err);

/** cloudflared_read(text, len, config, remarks, err): a text that is config.yml or, if it begins
 * with a brace, the remote form, into an empty list, whether its rules can be or not. Return 0 or
 * -1. */
int cloudflared_read(const char *text, size_t len, struct cloudflared_config *config,
                     struct cloudflared_remarks *remarks, struct err *err);

/** cloudflared_catches_all(rule): whether it has neither host name nor path. */
bool cloudflared_catches_all(const struct cloudflared_rule *rule);

/** cloudflared_validate(text, len, config, remarks, err): all of it for a text that is config.yml
 * or, if it begins with a brace, the remote form: read, then checked. Fills an empty list. 0 or -1.
 */
int cloudflared_validate(const char *text, size_t len, struct cloudflared_config *config,
                         struct cloudflared_remarks *remarks, struct err *err);

/* ---- JSON: the remote form ---- */

/** cloudflared_read_json(ingress, config, err): fill an empty list from an array of rules. Seconds
 * must be integers, as cloudflared wants them. ERR_INVALID or ERR_TOO_LARGE. Return 0 or -1. */
int cloudflared_read_json(const struct cJSON *ingress, struct cloudflared_config *config,
                          struct err *err);

/** cloudflared_parse_json(text, len, config, err): likewise from {"ingress":[…]}. 0 or -1. */
int cloudflared_parse_json(const char *text, size_t len, struct cloudflared_config *config,
                           struct err *err);

/** cloudflared_write_json(config, out): append {"ingress":[…]}. Return 0, or -1 if ${out} failed.
 */
int cloudflared_write_json(const struct cloudflared_config *config, struct buf *out);

/* ---- YAML: config.yml ---- */

/* What stands beside the rules in a file of ours. */
struct cloudflared_file {
    char tunnel[64], credentials_file[320];
};

/** cloudflared_write_yaml(config, file, out): a whole config.yml. Return 0, or -1 if ${out} failed.
 */
int cloudflared_write_yaml(const struct cloudflared_config *config,
                           const struct cloudflared_file *file, struct buf *out);

/** cloudflared_parse_yaml(text, len, config, remarks, err): fill an empty list as cloudflared reads
 * its file; "error parsing YAML…" as it says it. Durations round up to whole seconds. 0 or -1. */
int cloudflared_parse_yaml(const char *text, size_t len, struct cloudflared_config *config,
                           struct cloudflared_remarks *remarks, struct err *err);

#endif
