/* One look at a domain, for somebody who waits for it. Apart from the rounds, which note what they
 * see: this only tells. */
#include "answer_about.h"

#include <stdlib.h>
#include <string.h>

#include "domain_look.h"
#include "json_out.h"

static void write_zone(struct json_out *j, const struct domain_terms *terms,
                       const struct domain_seen *seen)
{
    json_out_key_text(j, "zone_status",
                      seen->gone ? domain_zone_status_names[DOMAIN_ZONE_DELETED]
                                 : domain_zone_status_names[seen->zone_status]);
    json_out_key_text(j, "name_servers", seen->provider ? seen->name_servers : terms->name_servers);
    json_out_key_text(j, "name_servers_seen", seen->name_servers_seen);
    json_out_key_bool(j, "name_servers_match",
                      seen->name_servers_seen[0] != '\0' &&
                          custom_domain_same(seen->name_servers_seen, terms->name_servers));
}

static void write_seen(struct json_out *j, const struct domain_terms *terms,
                       const struct domain_seen *seen)
{
    json_out_object(j);
    if (terms->via == DOMAIN_VIA_ZONE) {
        write_zone(j, terms, seen);
    } else {
        json_out_key_bool(j, "proved", seen->proved);
        if (terms->via == DOMAIN_VIA_HOSTNAME) {
            json_out_key_text(j, "hostname_status", seen->gone ? "deleted" : seen->hostname_status);
            json_out_key_text(j, "ssl_status", seen->ssl_status);
        } else {
            json_out_key_text(j, "address", seen->address);
            json_out_key_bool(j, "points", seen->points);
        }
    }
    if (seen->door)
        json_out_key_bool(j, "answers", seen->answers);
    json_out_key_text(j, "trouble", seen->trouble);
    json_out_end_object(j);
}

static int read_terms(const struct answer_setup *s, const char *id, struct domain_terms *terms,
                      struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    struct txn *txn;
    int found = -1;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    if (db_read(&txn, s->context->db, err) == 0) {
        found = custom_domain_get(txn, id, d, err);
        if (found == 1 && domain_terms_read(txn, &s->context->conf, d, terms, err) == -1)
            found = -1;
        if (found == 1)
            terms->door = d->routed_to[0] != '\0';
        db_read_end(txn);
    }
    free(d);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "domain_not_found", "there is no domain %s", id);
    return found == 1 ? 0 : -1;
}

int answer_domain(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct domain_terms *terms = calloc(1, sizeof *terms);
    struct domain_seen *seen = calloc(1, sizeof *seen);
    struct json_out j;
    int result = -1;

    if (terms == NULL || seen == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a look at a domain");
    else if ((result = read_terms(s, kv_get_or(params, "domain_id", ""), terms, err)) == 0) {
        terms->activate = false;
        domain_look(s->context, s->outside, terms, seen);
        json_out_init(&j, out);
        write_seen(&j, terms, seen);
    }
    free(terms);
    free(seen);
    return result;
}
