#ifndef SETT_ERR_H
#define SETT_ERR_H
/*
 * The one way to fail. A function that can fail returns -1 and fills the caller's struct err
 * where the cause is first known; callers above it only pass it on. It is logged once, at the top.
 */
#include <stdint.h>

/* What kind of answer a failure deserves. The HTTP status, the CLI's exit code and the engine's
 * retry class all follow from the kind and from nothing else. */
enum err_kind {
    ERR_NONE = 0,
    ERR_MALFORMED,       /* 400: it could not be parsed at all */
    ERR_INVALID,         /* 422: it was parsed and is not acceptable; `field` names the place */
    ERR_UNAUTHENTICATED, /* 401: nobody, or credentials that are wrong or over */
    ERR_FORBIDDEN,       /* 403: somebody, who may not */
    ERR_NOT_FOUND,       /* 404 */
    ERR_CONFLICT,        /* 409: it would collide with what is there */
    ERR_PRECONDITION,    /* 412: If-Match named a version that is gone */
    ERR_TOO_LARGE,       /* 413 */
    ERR_RATE,            /* 429: too often; retry_after_s says when */
    ERR_QUOTA,           /* 409: a limit of this box or of a provider is reached */
    ERR_NETWORK,         /* 502: the other side cannot be reached, or broke off */
    ERR_UNAVAILABLE,     /* 503: a part of this box is down or busy */
    ERR_TIMEOUT,         /* 504: no answer in time; the effect is unknown */
    ERR_FULL,            /* 507: disk or map full */
    ERR_CORRUPT,         /* 500: a stored value failed its check */
    ERR_INTERNAL         /* 500: a bug, or a refusal of the system without better name */
};

#define ERR_CODE_SIZE  48
#define ERR_FIELD_SIZE 64
#define ERR_TEXT_SIZE  400
#define ERR_HINT_SIZE  240

struct err {
    enum err_kind kind;
    uint32_t retry_after_s;     /* 0: nothing known */
    char code[ERR_CODE_SIZE];   /* stable, for programs: "name_taken" */
    char field[ERR_FIELD_SIZE]; /* the member of the input that is wrong, or "" */
    char text[ERR_TEXT_SIZE];   /* what happened and where, one sentence for a person */
    char hint[ERR_HINT_SIZE];   /* what to do about it, or "" */
};

/**
 * err_set(e, kind, code, fmt, ...):
 * Fill ${e}, clearing what stood there. Text that does not fit is cut. Control characters are
 * replaced, so that a text may be logged as it is. Return -1, always, so that a
 * caller can write `return err_set(...)`. ${e} may be NULL.
 */
int err_set(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * err_field(e, field, code, fmt, ...):
 * Like err_set with ERR_INVALID, naming the ${field} of the input that is wrong.
 */
int err_field(struct err *e, const char *field, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * err_sys(e, code, errnum, what):
 * Fill ${e} from the system's ${errnum}: ENOSPC, EDQUOT and EFBIG give ERR_FULL, the rest
 * ERR_INTERNAL; the text is "what: strerror". Return -1.
 */
int err_sys(struct err *e, const char *code, int errnum, const char *what);

/**
 * err_hint(e, fmt, ...):
 * Add what a person can do about it. Return -1.
 */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** err_clear(e): make ${e} say that nothing is wrong. */
void err_clear(struct err *e);

/** err_http_status(kind): the HTTP status of an answer of this kind; 200 for ERR_NONE. */
int err_http_status(enum err_kind kind);

/** err_exit_code(kind): the CLI's exit code (0 ok, 1 failed, 2 usage, 3 not found, 4 auth,
 * 5 conflict or precondition, 6 timed out). */
int err_exit_code(enum err_kind kind);

/** err_kind_name(kind): a constant lower-case word, "network". */
const char *err_kind_name(enum err_kind kind);

#if defined __clang_analyzer__ && !defined ERR_DEFINES
/* For checkers that see one file at a time: what is said above about the value returned. */
#define err_set(...)   ((void)err_set(__VA_ARGS__), -1)
#define err_field(...) ((void)err_field(__VA_ARGS__), -1)
#define err_sys(...)   ((void)err_sys(__VA_ARGS__), -1)
#define err_hint(...)  ((void)err_hint(__VA_ARGS__), -1)
#endif

#endif
