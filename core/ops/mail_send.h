#ifndef SETT_MAIL_SEND_H
#define SETT_MAIL_SEND_H
/* Writing to many customers at once: an operation of mail_ops.c. */
#include "mailing.h"
#include "op.h"

#define MAIL_SEND_NAMED 20 /* in a plan */

/* Who is meant: the operation's scratch. */
struct mail_reckoning {
    struct mailing mailing;
    char (*seen)[ID_SIZE]; /* customers, sorted; those who get one letter whatever they have */
    size_t seen_count;
    uint32_t letters, without_address, named;
    struct {
        char email[256], name[128];
    } first[MAIL_SEND_NAMED];
};

extern const struct fields mail_send_params, mail_send_result;

/** mail_send_slow(call, err): find out who is meant, in a snapshot: ERR_QUOTA beyond MAILING_MOST.
 * Return 0 or -1. */
int mail_send_slow(struct op_call *call, struct err *err);

/** mail_send_run(call, err): store the mailing, whose letters the worker then queues in small
 * bites; with call->plan only say who would get one. Return 0 or -1. */
int mail_send_run(struct op_call *call, struct err *err);

#endif
