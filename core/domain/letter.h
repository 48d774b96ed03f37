#ifndef SETT_LETTER_H
#define SETT_LETTER_H
/*
 * Mails to customers and users, and the outbox in which they and the alerts to operators wait.
 * Queued in the caller's own transaction, as a part of what they tell of; sent by core/watch, which
 * tries for days and ends each as sent or as failed with a cause.
 */
#include "db.h"
#include "id.h"
#include "kv.h"

enum message_audience { MESSAGE_CUSTOMER, MESSAGE_OPERATOR, MESSAGE_USER };
extern const char *const message_audience_names[];

enum message_state { MESSAGE_QUEUED, MESSAGE_SENT, MESSAGE_FAILED };
extern const char *const message_state_names[];

struct message {
    char id[ID_SIZE]; /* also what the other side knows it by: Message-ID, webhook-id */
    uint32_t audience, state;
    char kind[32];              /* of the letter, or of the notice */
    char channel_id[ID_SIZE];   /* operators: over which channel */
    char notice_id[ID_SIZE];    /* operators: about which alert */
    char customer_id[ID_SIZE];  /* customers: to whom */
    char tenant_id[ID_SIZE];    /* about which tenant, "" */
    char mailing_id[ID_SIZE];   /* an operator's letter to many, "" */
    char recipient[256];        /* address as it was used */
    char language[8];           /* "en", "es", "de" */
    char subject[240];          /* as it was sent */
    char once[160];             /* what it is about: a second one of the same is not queued */
    struct kv params;           /* what the text speaks of */
    struct sealed secret;       /* a parameter that only the worker may read; gone when sent */
    uint32_t attempts;          /* begun */
    char cause[240];            /* of the last failure, "" */
    char answer[240];           /* what the other side said when it took it */
    int64_t due_at, give_up_at; /* next attempt, when it is given up; done: when it is forgotten */
    int64_t created_at, ended_at;
};
extern const struct table message_table; /* key id; unique: once (sparse); index: due_at,
                                            customer_id, notice_id (sparse), audience */

#define MESSAGE_TRY_MS  (INT64_C(3) * 86400 * 1000)   /* for so long it is tried */
#define MESSAGE_KEEP_MS (INT64_C(400) * 86400 * 1000) /* for so long it can be looked up */

#define LETTER_PARAMS 6
/* A kind of letter. The list is closed: rows stand in letter_kinds.c, texts in letter_texts.c. */
struct letter_kind {
    const char *name;                  /* "payment_failed" */
    const char *params[LETTER_PARAMS]; /* names that must be given, NULL after the last */
    const char *page;                  /* where its link leads, whose token is the secret; NULL */
    const char *help;
};
extern const struct letter_kind letter_kinds[];
extern const size_t letter_kind_count;

/** letter_kind_find(name): the row, or NULL. */
const struct letter_kind *letter_kind_find(const char *name);

struct letter {
    const char *kind;
    const char *customer_id; /* "" or NULL: nobody, and nothing is queued */
    const char *tenant_id;   /* or NULL */
    const struct kv *params; /* those of the kind; NULL: none */
    const char *once;        /* or NULL: as in "deletion su_… 7" */
    const char *mailing_id;  /* kind message: whose text it is; else NULL */
};

/** letter_queue(txn, letter, err): put a mail to a customer into the outbox. With ${once} set a
 * second one of the same is not queued and that is no error. A customer without an address gets a
 * message that has failed, for the log to show. ERR_INTERNAL for a kind that is not in the list or
 * a parameter that is missing or too much. A value in RFC 3339 (clock_text) is written as a date of
 * the language and the box's time zone, in "from" and "until" with the time. Return 0 or -1. */
int letter_queue(struct txn *txn, const struct letter *letter, struct err *err);

/** message_new(txn, message, err): insert one into the outbox with id and give_up_at (unless they
 * are set) and times, due at once. Return 1, 0 if one with the same ${once} is there, or -1. */
int message_new(struct txn *txn, struct message *message, struct err *err);

/** message_end(txn, message, state, err): it was sent or given up: what was secret is forgotten.
 * Return 0 or -1. */
int message_end(struct txn *txn, struct message *message, enum message_state state,
                struct err *err);

#endif
