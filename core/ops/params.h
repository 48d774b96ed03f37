#ifndef SETT_PARAMS_H
#define SETT_PARAMS_H
/* Input into a parameter struct: JSON, form or argument, decoded by the op's field table: closed
 * (an unknown name is an error), typed, bounded, complete. The struct is all zero before the first
 * call; one request may use several of them (path, query, body): a name given twice is an error. */
#include "json_in.h"
#include "op.h"

/* Input of a text that names an object: it may be the object's number, as a JSON integer too. */
#define FIELD_NUMBERED 0x100u

/* Input: in JSON an object whose members are other rows of the same table ("limits"); it has no
 * place in the struct and is given in no other way, so it goes with FIELD_INTERNAL. */
#define FIELD_GROUP 0x200u
#define PARAMS_GROUP(name_, help_)                                                                 \
    {                                                                                              \
        .name = name_, .type = FIELD_KV, .since = 1, .flags = FIELD_INTERNAL | FIELD_GROUP,        \
        .help = help_                                                                              \
    }

#define FIELD_NAME_MAX 64

/* PARAMS(rows, struct x): the field table of an operation's parameters, for its row. */
#define PARAMS(rows_, type_)                                                                       \
    &(const struct fields)                                                                         \
    {                                                                                              \
        rows_, sizeof(rows_) / sizeof(rows_)[0], sizeof(type_)                                     \
    }

/** params_json(f, body, len, out, given, err): a strict JSON object. 0 or -1. */
int params_json(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err);

/** params_form(f, body, len, out, given, err): application/x-www-form-urlencoded (also a query). A
 * name given twice is an error. 0 or -1. */
int params_form(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err);

/** params_one(f, name, value, out, given, err): one parameter as text (from a path or
 * an argument). 0 or -1. */
int params_one(const struct fields *f, const char *name, const char *value, void *out,
               uint64_t *given, struct err *err);

/** params_done(f, given, err): that nothing required is missing. 0 or -1. */
int params_done(const struct fields *f, uint64_t given, struct err *err);

/** params_email(field, email, err): that it could be one, or is "". ERR_INVALID naming the field. 0
 * or -1. */
int params_email(const char *field, const char *email, struct err *err);

#endif
