#ifndef SETT_OBJECT_H
#define SETT_OBJECT_H
/*
 * One object in an operation: found by what a person calls it, seen only by whom it concerns,
 * compared with the version that the caller knows, noted for the audit, shown.
 */
#include "job.h"
#include "view.h"

/* The parameters of an operation that only needs to know which. */
struct id_params {
    char id[96];
};
extern const struct fields object_id;

/* The row of the path's id, for the field table of a struct ${t} that has it as `id`. */
#define ID_FIELD(t)                                                                                \
    FIELD(t, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,                                 \
          .help = "which: its id, its number or its name")

/** object_owned(call, table, record): whether this actor may know of it. Everybody from viewer up
 * knows of all; a customer of what is theirs: the one place where this is decided. */
bool object_owned(const struct op_call *call, const struct table *table, const void *record);

/** object_find(call, table, text, record, err): by id, by number, by the table's unique name, or,
 * the newest that bears it, by a tenant's subdomain or a tunnel's host name. ${record} must be all
 * zero. Return 1, 0 (none, or not theirs) or -1. */
int object_find(const struct op_call *call, const struct table *table, const char *text,
                void *record, struct err *err);

/** object_get(call, table, text, record, err): the same, none being ERR_NOT_FOUND
 * "<noun>_not_found". Return 0 or -1. */
int object_get(const struct op_call *call, const struct table *table, const char *text,
               void *record, struct err *err);

/** object_refer(call, table, field, text, record, err): the same for an object that a parameter
 * ${field} names: none is ERR_INVALID naming the field. Return 0 or -1. */
int object_refer(const struct op_call *call, const struct table *table, const char *field,
                 const char *text, void *record, struct err *err);

/** object_key(table, record, out, size): its key's first field as text. */
void object_key(const struct table *table, const void *record, char *out, size_t size);

/** object_etag(table, record, etag): a digest of all that is stored of it, in quotes. */
void object_etag(const struct table *table, const void *record, char etag[40]);

/** object_match(call, table, record, err): that it is the version that If-Match names, if it names
 * one. ERR_PRECONDITION "changed". Return 0 or -1. */
int object_match(const struct op_call *call, const struct table *table, const void *record,
                 struct err *err);

/** object_fill(call, table, record): what was given goes into the record's fields of the same name,
 * type and size; parameters that have no such field are left to the caller. */
void object_fill(const struct op_call *call, const struct table *table, void *record);

/** object_before(call, table, record): note for the audit record how it was; NULL: it was not
 * there. */
void object_before(struct op_call *call, const struct table *table, const void *record);

/** object_after(call, table, record): and how it became; NULL: it is gone. It names the object
 * unless object_before did. */
void object_after(struct op_call *call, const struct table *table, const void *record);

/** object_reply(call, view, record, err): show it, with its ETag. Return 0 or -1. */
int object_reply(struct op_call *call, const struct view *view, const void *record,
                 struct err *err);

/** object_removed(call, view, id): {"id":…,"object":…,"deleted":true}. Return 0. */
int object_removed(struct op_call *call, const struct view *view, const char *id);

/** object_job(call, job, err): start a job for this call: who and which request are filled in, the
 * caller has set saga, args and subjects; its id is left in job->id. With call->plan it is only
 * noted. Return 0 or -1. */
int object_job(struct op_call *call, struct job *job, struct err *err);

#endif
