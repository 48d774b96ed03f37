#ifndef SETT_OPENAPI_SCHEMA_H
#define SETT_OPENAPI_SCHEMA_H
/* JSON Schemas of field tables, for the OpenAPI document. */
#include "op.h"

/** openapi_schema_type(f, j): the schema of one field's value as input, without its description. */
void openapi_schema_type(const struct field *f, struct json_out *j);

/** openapi_schema_properties(f, input, limits, j): the members of "properties": what an object
 * shows, or with ${input} what a body may have. Limits stand in one member "limits", written once
 * when *${limits} is false, which it sets. */
void openapi_schema_properties(const struct fields *f, bool input, bool *limits,
                               struct json_out *j);

/** openapi_schema_required(f, j): the member "required" of a body, if anything is. */
void openapi_schema_required(const struct fields *f, struct json_out *j);

/** openapi_schema_noun(op, out, size): the name of the schema of what an operation answers: its
 * noun. */
void openapi_schema_noun(const struct op *op, char *out, size_t size);

/** openapi_schema_components(j): the member "components": all nouns, limits, problems, credentials.
 */
void openapi_schema_components(struct json_out *j);

#endif
