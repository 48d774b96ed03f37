#ifndef SETT_RULE_H
#define SETT_RULE_H
/*
 * A tunnel's ingress rules beyond its own route, in the order in which a request meets them. The
 * rule that catches all is always last and has no record. A change is two things in one commit: the
 * records, and rule_changed, which counts it and sees to it that the saga tunnel.configure brings
 * the tunnel's whole configuration to what the records say.
 */
#include "cloudflared.h"
#include "job.h"
#include "tunnel.h"

struct rule {
    char id[ID_SIZE];
    char tunnel_id[ID_SIZE];
    uint32_t position; /* sorts; the tunnel's own route has one too (tunnel->own_position) */
    /* service "": wherever the tunnel's own route leads, also when that changes, and to the page of
     * maintenance while the tenant is in it. */
    struct cloudflared_rule is;
    char note[96]; /* whose it is, for people: "domain mustermann.de" */
    int64_t created_at, updated_at;
};
extern const struct table rule_table; /* key id; index: by_place {tunnel_id, position}, hostname */

/* Rows for what cloudflared would be given, of a struct ${t_} that has it as `is`. */
#define RULE_IS(t_, name_, member_, kind_, ...)                                                    \
    {                                                                                              \
        .name = name_, .type = kind_, .offset = offsetof(t_, is.member_),                          \
        .size = sizeof(((t_ *)0)->is.member_), .since = 1, __VA_ARGS__                             \
    }
#define RULE_IS_FIELDS(t_)                                                                         \
    RULE_IS(t_, "hostname", hostname, FIELD_TEXT,                                                  \
            .help = "exact or with a leading \"*.\", \"\": all"),                                  \
        RULE_IS(t_, "path", path, FIELD_TEXT,                                                      \
                .help = "regular expression (RE2) of paths, \"\": all"),                           \
        RULE_IS(t_, "service", service, FIELD_TEXT,                                                \
                .help = "where it leads, \"\": as the tunnel's own route"),                        \
        RULE_IS(t_, "no_tls_verify", origin.no_tls_verify, FIELD_BOOL,                             \
                .help = "does not check the service's certificate"),                               \
        RULE_IS(t_, "origin_server_name", origin.origin_server_name, FIELD_TEXT,                   \
                .help = "name that the service's certificate must bear"),                          \
        RULE_IS(t_, "http_host_header", origin.http_host_header, FIELD_TEXT,                       \
                .help = "Host header that the service is sent"),                                   \
        RULE_IS(t_, "connect_timeout_s", origin.connect_timeout_s, FIELD_U32, .help = "0: 30"),    \
        RULE_IS(t_, "tls_timeout_s", origin.tls_timeout_s, FIELD_U32, .help = "0: 10"),            \
        RULE_IS(t_, "tcp_keep_alive_s", origin.tcp_keep_alive_s, FIELD_U32, .help = "0: 30"),      \
        RULE_IS(t_, "keep_alive_timeout_s", origin.keep_alive_timeout_s, FIELD_U32,                \
                .help = "0: 90"),                                                                  \
        RULE_IS(t_, "keep_alive_connections", origin.keep_alive_connections, FIELD_U32,            \
                .help = "0: 100"),                                                                 \
        RULE_IS(t_, "http2_origin", origin.http2_origin, FIELD_BOOL,                               \
                .help = "speaks HTTP/2 to the service"),                                           \
        RULE_IS(t_, "disable_chunked_encoding", origin.disable_chunked_encoding, FIELD_BOOL,       \
                .help = "sends no chunked bodies"),                                                \
        RULE_IS(t_, "access_required", origin.access_required, FIELD_BOOL,                         \
                .help = "lets in only with a token of Cloudflare Access"),                         \
        RULE_IS(t_, "access_team", origin.access_team, FIELD_TEXT,                                 \
                .help = "the team's name at Access"),                                              \
        RULE_IS(t_, "access_audiences", origin.access_audiences, FIELD_TEXT,                       \
                .help = "audience tags of Access applications, with commas"),                      \
        RULE_IS(t_, "more", origin.more, FIELD_TEXT,                                               \
                .help = "further members of originRequest, as they came")

#define RULE_NOTE_DOMAIN "domain " /* begins the note of one that a customer's domain has */

#define RULE_PLACE_END  UINT32_MAX       /* see rule_new */
#define RULE_PLACE_LAST (UINT32_MAX - 1) /* behind all, also what is met in vain */

/** rule_check(rule, err): cloudflared's own verdict, and that the service is of a kind that sett
 * knows and the host name one that can be. ERR_INVALID naming the field. Return 0 or -1. */
int rule_check(const struct rule *rule, struct err *err);

/** rule_new(txn, tunnel, rule, place, err): insert a new one. The caller has set is and note; id,
 * tunnel_id, position and times are set here, the others' positions follow. ${place} counts from 1
 * among the tunnel's rules and its own route as rule_list has them; RULE_PLACE_END: behind all, but
 * before the first that would meet everything that this one does. tunnel->own_position may change:
 * rule_changed stores it. ERR_QUOTA, ERR_CONFLICT "rule_exists" (same host name and path). 0 or -1.
 */
int rule_new(struct txn *txn, struct tunnel *tunnel, struct rule *rule, uint32_t place,
             struct err *err);

/** rule_put(txn, rule, err): store a changed one; updated_at is set here. 0 or -1. */
int rule_put(struct txn *txn, struct rule *rule, struct err *err);

/** rule_move(txn, tunnel, rule, place, err): to another place, counted as above. 0 or -1. */
int rule_move(struct txn *txn, struct tunnel *tunnel, const struct rule *rule, uint32_t place,
              struct err *err);

/** rule_delete(txn, rule, err): Return 0 or -1. */
int rule_delete(struct txn *txn, const struct rule *rule, struct err *err);

/** rule_delete_all(txn, tunnel_id, err): when the tunnel goes. Return 0 or -1. */
int rule_delete_all(struct txn *txn, const char *tunnel_id, struct err *err);

/** rule_replace(txn, tunnel, rules, count, own, err): these in place of all that it has, in their
 * order, ${own} of them before its own route. Whoever takes the place of one of the same host name
 * and path keeps its id and when it was made, and its note unless it brings one. The tunnel's
 * own_position may change: rule_changed stores it. ERR_QUOTA. Return 0 or -1. */
int rule_replace(struct txn *txn, struct tunnel *tunnel, struct rule *rules, uint32_t count,
                 uint32_t own, struct err *err);

/** rule_covers(host, path, b): whether whatever meets ${b} would have met a rule of this host name
 * and path before. */
bool rule_covers(const char *host, const char *path, const struct cloudflared_rule *b);

/** rule_changed(txn, tunnel, job, err): count a change of the tunnel's rules and store the tunnel.
 * If it is active, the job tunnel.configure is started, for which the caller has set actor and
 * request_id in ${job}; if a job is at work on the tunnel, ${job} becomes that one, and it looks
 * itself, at its end, whether something is left to do. Else ${job}->id is "". 0 or -1. */
int rule_changed(struct txn *txn, struct tunnel *tunnel, struct job *job, struct err *err);

/* A tunnel's rules in their order, its own route among them. */
struct rule_list {
    struct rule *rules;
    uint32_t count, room;
    uint32_t own; /* so many come before the tunnel's own route */
};

/** rule_list(txn, tunnel, list, err): fill an empty one. To be freed. Return 0 or -1. */
int rule_list(struct txn *txn, const struct tunnel *tunnel, struct rule_list *list,
              struct err *err);

/** rule_list_free(list): it is empty and usable again. */
void rule_list_free(struct rule_list *list);

/** rule_config(list, tunnel, maintenance, config, err): the whole configuration that these records
 * mean, into an empty one. ${maintenance}: what leads to the tunnel's own service answers 503. 0 or
 * -1. */
int rule_config(const struct rule_list *list, const struct tunnel *tunnel, bool maintenance,
                struct cloudflared_config *config, struct err *err);

/* ---- what was sent, and what is in force ---- */

enum rule_text { RULE_TEXT_SENT, RULE_TEXT_IN_FORCE };

#define RULE_PART_BYTES 16384
struct rule_part { /* a piece of a configuration as cloudflared's JSON */
    char tunnel_id[ID_SIZE];
    uint32_t which, number; /* enum rule_text; from 1 */
    char text[RULE_PART_BYTES + 1];
};
extern const struct table rule_part_table; /* key tunnel_id, which, number */

/** rule_text_keep(txn, tunnel_id, which, text, len, err): in place of what stood there; ${len} 0:
 * nothing. Return 0 or -1. */
int rule_text_keep(struct txn *txn, const char *tunnel_id, enum rule_text which, const char *text,
                   size_t len, struct err *err);

/** rule_text_read(txn, tunnel_id, which, out, err): append it; nothing if there is none. 0 or -1.
 */
int rule_text_read(struct txn *txn, const char *tunnel_id, enum rule_text which, struct buf *out,
                   struct err *err);

#endif
