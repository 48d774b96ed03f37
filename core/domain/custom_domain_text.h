#ifndef SETT_CUSTOM_DOMAIN_TEXT_H
#define SETT_CUSTOM_DOMAIN_TEXT_H
/* What a customer has to enter, and how, in the words of the customer's language. */
#include "buf.h"
#include "conf.h"
#include "custom_domain.h"

#define DOMAIN_STEPS_MAX   8
#define DOMAIN_RECORDS_MAX 16

/* One line to be entered somewhere: "NS", "CNAME", "A", "AAAA", "TXT", or "HTTP": a file to be
 * served. */
struct domain_record {
    char type[8], name[300], value[512];
    const char *purpose; /* "lead", "proof", "certificate" */
};

struct domain_instructions {
    char language[4];
    char title[600];
    unsigned step_count, record_count;
    char steps[DOMAIN_STEPS_MAX][600];
    struct domain_record records[DOMAIN_RECORDS_MAX];
};

extern const char *const custom_domain_languages[]; /* "en", "es", "de" */

/** custom_domain_language(locale): "de" for "de-CH", "en" for what is not spoken here. */
const char *custom_domain_language(const char *locale);

/** custom_domain_records(txn, conf, domain, records, count, err): what has to be entered for it,
 * whether or not it is there already. 0 or -1. */
int custom_domain_records(struct txn *txn, const struct conf *conf,
                          const struct custom_domain *domain,
                          struct domain_record records[DOMAIN_RECORDS_MAX], unsigned *count,
                          struct err *err);

/** custom_domain_instruct(txn, conf, domain, language, out, err): 0 or -1. */
int custom_domain_instruct(struct txn *txn, const struct conf *conf,
                           const struct custom_domain *domain, const char *language,
                           struct domain_instructions *out, struct err *err);

/** custom_domain_instruct_text(instructions, out): all of it as plain text to be copied. */
void custom_domain_instruct_text(const struct domain_instructions *instructions, struct buf *out);

#endif
