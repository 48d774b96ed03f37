#ifndef SETT_NOTICE_H
#define SETT_NOTICE_H
/*
 * What an operator should know: one record for each thing that is wrong, from the moment it is seen
 * until it is over. Raised and cleared in the caller's own transaction; when and to whom it is told
 * is the business of core/watch, which reads these records and is woken by nothing else. So raising
 * one never waits, and what was committed is told even if everything stops right after. What is
 * written to customers is in letter.h.
 */
#include "db.h"
#include "id.h"

enum notice_severity { NOTICE_USUAL, NOTICE_INFO, NOTICE_WARNING, NOTICE_CRITICAL };
extern const char *const notice_severity_names[];

enum notice_state {
    NOTICE_HOLDING,      /* seen; told only if it holds on */
    NOTICE_OPEN,         /* told, and told again until somebody answers for it */
    NOTICE_ACKNOWLEDGED, /* somebody knows */
    NOTICE_CLEARED       /* over */
};
extern const char *const notice_state_names[];

/* A kind of notice. The list is closed: rows stand in notice_kinds.c. */
struct notice_kind {
    const char *name;    /* "tenant.unreachable" */
    const char *subject; /* what its subject is: "tenant", "job", "box", … */
    enum notice_severity severity;
    uint32_t hold_s;    /* must hold so long before it is told */
    uint32_t resend_s;  /* told again after so long while nobody answers for it; 0: once */
    uint32_t threshold; /* for those that come from a figure, in ${unit} */
    const char *unit;   /* "%", "min", "days"; NULL: there is no figure */
    bool below;         /* the figure is bad below the threshold, not above it */
    const char *help, *hint;
};
extern const struct notice_kind notice_kinds[];
extern const size_t notice_kind_count;

struct notice {
    char id[ID_SIZE];
    char kind[32], subject[16];
    char subject_id[96]; /* an id, a host name; "" for the box */
    char live[144];      /* "kind subject_id" until it is over, then "": unique */
    uint32_t severity, state;
    char text[400];
    char acknowledged_by[64], note[240];
    uint32_t told;          /* how often it was told */
    uint32_t told_severity; /* and how grave it was then */
    int64_t raised_at, opened_at, told_at, acknowledged_at, silenced_until, cleared_at;
    bool end_told;
    int64_t due_at; /* when core/watch looks at it next; 0: not */
    int64_t updated_at;
};
extern const struct table
    notice_table; /* key id; unique: live; index: state, due_at (live and due_at sparse) */

#define NOTICE_KEEP_MS (INT64_C(90) * 86400 * 1000) /* after it was cleared */

/** notice_kind_find(name): the row, or NULL. */
const struct notice_kind *notice_kind_find(const char *name);

#define NOTICE_HINT_SIZE 512

/** notice_hint(notice, out): what to do about it, its subject named where the kind's hint says ID
 * or NAME; "" for a kind that is not in the list. */
void notice_hint(const struct notice *notice, char out[NOTICE_HINT_SIZE]);

/** notice_raise(txn, kind, subject_id, severity, text, err): that this is wrong now. One that is
 * raised already gets the new text and severity, and nothing is written if both are the same, so it
 * may be called as often as wanted. ${subject_id} "" or NULL is the box. NOTICE_USUAL: the kind's
 * own severity. Text that is too long is cut. ERR_INTERNAL for a kind that is not in the list.
 * Return 0 or -1. */
int notice_raise(struct txn *txn, const char *kind, const char *subject_id,
                 enum notice_severity severity, const char *text, struct err *err);

/** notice_clear(txn, kind, subject_id, err): that it is over. One that was not raised is no error;
 * one that was not told yet leaves no trace. Return 0 or -1. */
int notice_clear(struct txn *txn, const char *kind, const char *subject_id, struct err *err);

/** notice_clear_subject(txn, subject, subject_id, err): that everything about this subject is over,
 * of whatever kind: it is being deleted. Return 0 or -1. */
int notice_clear_subject(struct txn *txn, const char *subject, const char *subject_id,
                         struct err *err);

/** notice_live(txn, kind, subject_id, notice, err): the one that is raised. Return 1, 0 or -1. */
int notice_live(struct txn *txn, const char *kind, const char *subject_id, struct notice *notice,
                struct err *err);

/** notice_acknowledge(txn, notice, actor, note, err): somebody answers for it: it is not told
 * again, but its end is. ERR_CONFLICT "alert_cleared" if it is over. Return 0 or -1. */
int notice_acknowledge(struct txn *txn, struct notice *notice, const char *actor, const char *note,
                       struct err *err);

/** notice_silence(txn, notice, until_ms, err): tell nothing of it until then; 0 ends the silence.
 * ERR_CONFLICT as above. Return 0 or -1. */
int notice_silence(struct txn *txn, struct notice *notice, int64_t until_ms, struct err *err);

/** notice_tell_untold(txn, err): there is a new channel: what is open and was told to nobody is due
 * now. Return 0 or -1. */
int notice_tell_untold(struct txn *txn, struct err *err);

/** notice_put(txn, notice, err): store a changed one; updated_at is set here. 0 or -1. */
int notice_put(struct txn *txn, struct notice *notice, struct err *err);

#endif
