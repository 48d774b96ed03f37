#ifndef SETT_ALERT_STOCK_H
#define SETT_ALERT_STOCK_H
/*
 * Taking stock of what is wrong: what can be seen by looking, whoever caused it and whenever. Each
 * round finds all of it anew and compares it with the notices that are raised, so nothing has to be
 * remembered over a restart, and nothing is written when nothing has changed:
 *
 *   subscription.unprovisioned  paid, and after some minutes no tenant runs
 *   subscription.flagged, job.stuck, event.failed
 *   box.cpu, box.memory, box.disk, box.store, box.errors   from the newest minute of the history
 *   tenant.cpu, tenant.memory, tenant.storage              likewise, against each tenant's limits
 *   box.certificate         of box.url, of alerts.certificates, of the web server's own file
 */
#include "history.h"
#include "saga_context.h"

#define STOCK_MOST         2000 /* things that are wrong at once; more are left for later rounds */
#define STOCK_CERTIFICATES 16

/* A thing that is wrong. */
struct stock_want {
    char kind[32], id[96];
    char text[240];
    bool raised; /* as it is */
};

struct alert_stock {
    const struct saga_context *context;
    struct history *history; /* NULL: none */
    /* What the last look at each certificate said; looked at once an hour. */
    struct {
        char url[96]; /* what a notice's subject takes */
        int64_t expires_ms;
    } certificates[STOCK_CERTIFICATES];
    unsigned certificate_count;
    int64_t certificates_ms; /* monotonic: when */
    /* Of the round under way. */
    struct stock_want *wants;
    size_t want_count;
    bool history_seen; /* figures were there: kinds that come from them may be cleared */
};

/** alert_stock_init(s, context, err): begins with nothing known. Return 0 or -1. */
int alert_stock_init(struct alert_stock *s, const struct saga_context *context, struct err *err);

/** alert_stock_free(s): give its memory back. */
void alert_stock_free(struct alert_stock *s);

/** alert_stock_round(s, err): look, and raise and clear what has changed. It may wait for the
 * handshakes of certificates, some seconds. Return how many changes were written, or -1. */
int alert_stock_round(struct alert_stock *s, struct err *err);

/** alert_stock_want(s, kind, id, text): one more thing that is wrong. For stock_figures.c. */
void alert_stock_want(struct alert_stock *s, const char *kind, const char *id, const char *text);

/** alert_stock_figures(s, txn, err): what the figures say. Return 0 or -1. */
int alert_stock_figures(struct alert_stock *s, struct txn *txn, struct err *err);

/** alert_stock_certificates(s, txn, err): what is known of certificates. Return 0 or -1. */
int alert_stock_certificates(struct alert_stock *s, struct txn *txn, struct err *err);

/** alert_stock_look_at_certificates(s): ask for them, if an hour is over; waits. */
void alert_stock_look_at_certificates(struct alert_stock *s);

#endif
