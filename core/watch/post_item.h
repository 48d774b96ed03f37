#ifndef SETT_POST_ITEM_H
#define SETT_POST_ITEM_H
/* One message with all that its sending needs, read from the store before anything is sent. */
#include "alert_channel.h"
#include "brand.h"
#include "customer.h"
#include "letter.h"
#include "mailing.h"
#include "reveal.h"
#include "saga_context.h"
#include "smtp.h"
#include "tenant.h"

/* What the settings say about sending. */
struct post_terms {
    char smtp_url[512], smtp_user[512], smtp_password[256], ca_file[512];
    char from[512], from_name[512], reply_to[512], language[512];
    char box_name[512], box_url[512], time_zone[512];
    enum smtp_tls tls;
    uint32_t smtp_timeout_s, retry_s, give_up_hours, credentials_days;
    bool private_targets, customers;
    struct brand brand; /* of letters to customers */
};

struct post_item {
    struct message message;
    struct alert_channel channel; /* id "" for letters */
    struct customer customer;     /* id "" if there is none */
    struct tenant tenant;
    struct mailing mailing;
    struct post_terms terms;
    char token[REVEAL_TOKEN_SIZE]; /* of the link in the letter, "" */
};

/** post_terms_read(txn, context, terms, err): Return 0 or -1. */
int post_terms_read(struct txn *txn, const struct saga_context *context, struct post_terms *terms,
                    struct err *err);

/** post_item_read(txn, context, id, item, err): the message and all that it points to. Return 1, 0
 * if there is no such message, -1. */
int post_item_read(struct txn *txn, const struct saga_context *context, const char *id,
                   struct post_item *item, struct err *err);

#endif
