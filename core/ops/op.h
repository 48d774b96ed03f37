#ifndef SETT_OP_H
#define SETT_OP_H
/*
 * Operations: what API and CLI both call. One const row each; the table of all of them gives CLI
 * help, completions, man pages, the OpenAPI document and the test of routes against roles.
 */
#include "audit.h"
#include "auth.h"
#include "buf.h"
#include "conf.h"
#include "db.h"
#include "field.h"
#include "json_out.h"
#include "paths.h"
#include "user.h"
#include "vault.h"

struct ask_file;
struct job;

#define OP_READ    0x00u
#define OP_WRITE   0x01u  /* runs in a write transaction */
#define OP_AUDIT   0x02u  /* an audit record in the same commit; every OP_WRITE but sign-in's own */
#define OP_JOB     0x04u  /* starts a job: 202, the object with "job", plan=1 is understood */
#define OP_LIST    0x08u  /* answers a cursor list */
#define OP_FRESH   0x10u  /* the password must have been given within 15 minutes */
#define OP_RAW     0x20u  /* the body is not decoded: call->body */
#define OP_ASK     0x40u  /* needs the worker: `slow` asks it */
#define OP_LOCAL   0x80u  /* CLI only, no route */
#define OP_SECRET  0x100u /* the answer shows a secret: it is never kept for an Idempotency-Key */
#define OP_BARE    0x1000u /* CLI: what the noun alone means */
#define OP_PREVIEW 0x800u  /* understands plan=1 by itself: run says what it would do */
#define OP_VERDICT 0x2000u /* CLI: exit 1 unless the answer's "fine" is true */
#define OP_FILE    0x4000u /* answers with a file: call->file; for the API alone */
#define OP_ENROL   0x8000u /* also for who must enter a second factor, or a new password, first */
#define OP_PARTIAL 0x400u  /* CLI: exit 7 when the answer's "refused" is not 0 */
#define OP_CREATE  0x200u  /* makes an object: 201 unless it starts a job; needs db_room */

struct actor {
    enum role role;
    char id[64];               /* user id, key id, "cli:root", "stripe", "" */
    char kind[16];             /* none, cookie, token, key, cli, webhook, worker */
    char customer_id[ID_SIZE]; /* ROLE_CUSTOMER: only this customer's objects exist */
    char session_id[ID_SIZE], user_id[ID_SIZE];
    char address[48], agent[160]; /* from where, with which program */
    char request_id[40];
    int64_t fresh_at;
    bool enrol; /* a second factor is required and there is none: OP_ENROL alone is allowed */
    bool renew; /* the password has to be changed: likewise */
    char scopes[AUTH_SCOPES_SIZE]; /* of an API key (scope.h); "": all that the role may */
    char tenant_id[ID_SIZE];       /* of an API key: for this tenant alone (scope.h), "" */
};

/* How the API reaches an operation; the list itself belongs to the front. */
struct op_route {
    const char *method, *path; /* "GET", "/api/tenants/{id}": {name} is a FIELD_PATH parameter */
    const char *op;
};

struct auth_gate;     /* auth.h */
struct figures_cache; /* figures.h */
struct history;       /* history.h */
struct webauthn;      /* webauthn.h */

/* What every operation may use besides its transaction. Held once per process. */
struct op_box {
    struct db *db;
    struct paths paths;
    struct conf conf;
    struct vault vault; /* public half only, in the front */
    struct web_key web_key;
    const struct webauthn *passkeys; /* who judges them; NULL where no browser comes */
    struct auth_gate
        *gate; /* bounds the hashing of passwords (auth_gate_new); NULL: unbounded, the CLI */
    const struct op_route *routes; /* for the OpenAPI document; NULL where there is no API */
    size_t route_count;
    struct figures_cache *figures; /* counts that are costly to take; NULL: taken each time */
    struct history *history;       /* how it was; NULL: a reader is made each time */
};

struct op_call {
    const struct op *op;
    const struct op_box *box;
    struct actor actor;
    const void *params; /* the op's own struct, decoded, bounded */
    uint64_t given;     /* bit i: params field i was given */
    const char *body;   /* OP_RAW */
    size_t body_len;
    const char *header;        /* OP_RAW: the signature header, or NULL */
    bool plan;                 /* plan=1: say what would be done, change nothing */
    bool quiet;                /* a refusal is not to be audited: the caller has seen too many */
    char idempotency_key[256]; /* of a POST, "" if none came */
    struct txn *txn;    /* given with a row that only reads and has no slow part: used, not ended */
    void *scratch;      /* from slow to run; memory of op->scratch_size, zeroed */
    struct audit audit; /* run fills object, before, after, reason */
    struct json_out *out;                           /* run writes exactly one JSON value */
    unsigned status;                                /* 0: 200, or 202 with OP_JOB */
    char etag[40], location[128], content_type[48]; /* "" for none, application/json */
    char if_match[128];                             /* given by the caller, "" if not */
    char job_id[ID_SIZE];                           /* the job that was started, "" if none */
    uint64_t from;                                  /* of a file: from this byte on (Range) */
    struct ask_file *file; /* the answer is this file; whoever called ends and frees it */
    char cookie[256];      /* Set-Cookie, sign-in only */
    bool wake;             /* the worker has something to do */
    bool unchanged;        /* run: nothing was changed, so nothing is audited */
    bool audit_refusal;    /* slow and run: if this fails it is worth a record */
    bool refused;          /* run returned 0 with err filled: what it did is committed, and then the
                              caller is refused with that err */
    bool replayed;         /* the answer was kept for this Idempotency-Key */
    struct buf answer;     /* what slow got from the worker; op_dispatch frees it */
    struct buf preview;    /* plan=1: run's own members of the plan, "\"before\":…"; likewise */
    /* Given by a caller that shows how a question goes while it is answered; NULL: nobody. */
    void (*progress)(void *arg, const char *line);
    void *progress_arg;
    struct job *planned;                  /* plan=1: the job that would have been started */
    char plan_id[ID_SIZE], plan_name[32]; /* view.c's own: the plan it looked up last */
};

struct op {
    const char *name; /* "tenant.create"; CLI: sett tenant create */
    enum role role;   /* least role that may */
    unsigned flags;
    const struct fields *params; /* NULL: none */
    const char *help;            /* one line */
    const char *example;         /* arguments of an example: "acme --plan demo" */
    const struct fields *result; /* for OpenAPI: fields of the object or of the list's items */
    const struct fields *more;   /* and members that it has besides; NULL: none */
    size_t scratch_size;
    /* Outside any transaction, before run: slow things (argon2, questions to the worker). May be
     * NULL. */
    int (*slow)(struct op_call *call, struct err *err);
    int (*run)(struct op_call *call, struct err *err);
};

extern const struct op
    *const op_tables[]; /* arrays of rows, each ended by a row without name; then NULL */

/** op_find(name): the row, or NULL. */
const struct op *op_find(const char *name);

/** op_next(at): walk over all rows: NULL first; NULL at the end. */
const struct op *op_next(const struct op *at);

/** op_dispatch(call, err): once and in this order: role, freshness, Idempotency-Key, room for what
 * is new (OP_CREATE), slow, transaction, run, audit in the same transaction, wake. call->op, box,
 * actor, params (NULL only when the row has none), given, out are set by the caller, all else is
 * zero or what came with the request. What is unused of the params struct must be zero. The
 * answer's status is in call->status. Rate limits are the front's. A refusal that matters (a wrong
 * password, a forged webhook) is audited unless call->quiet. Return 0 or -1, nothing then being
 * written to out. */
int op_dispatch(struct op_call *call, struct err *err);

/** op_allowed(op, actor, err): whether the actor's role suffices, and an API key's scopes:
 * ERR_UNAUTHENTICATED for nobody, ERR_FORBIDDEN. op_dispatch asks it first; the front also before
 * it looks at the input. 0 or -1.
 */
int op_allowed(const struct op *op, const struct actor *actor, struct err *err);

/** op_fresh(call, err): that whoever asks has given the password within 15 minutes, or is on the
 * box. op_dispatch asks for the rows with OP_FRESH; others ask when it depends on what is to be
 * done. ERR_FORBIDDEN "password_needed". Return 0 or -1. */
int op_fresh(const struct op_call *call, struct err *err);

/** op_audit(call, txn, result, err): add call->audit, completed by who asks, to a change that an
 * operation makes outside of its own run (in slow). What run changes is audited by op_dispatch.
 * Return 0 or -1. */
int op_audit(struct op_call *call, struct txn *txn, const char *result, struct err *err);

/** op_given(call, name): whether the parameter was given by the caller. */
bool op_given(const struct op_call *call, const char *name);

#endif
