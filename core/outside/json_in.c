/* Reading checked JSON through cJSON. Apart so that only this file knows the library, and so that
 * everybody gets its traps (doubles, names without case, nulls) handled in the same way. */
#include "json_in.h"

#include "buf.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define EXACT_MAX 9007199254740992.0 /* 2^53 */
#define NAME_SIZE 128

struct cJSON *json_parse(const char *text, size_t len, const struct json_limits *limits,
                         struct err *err)
{
    cJSON *json;

    if (json_check(text, len, limits, err) == -1)
        return NULL;
    if ((json = cJSON_ParseWithLengthOpts(text, len, NULL, 0)) == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "memory", "no memory to read JSON with");
    return json;
}

void json_free(struct cJSON *json)
{
    cJSON_Delete(json);
}

/* One name of a path, up to a dot, a bracket or the end. Return the first character behind it, or
 * NULL. */
static const char *step_name(const cJSON **item, const char *path)
{
    char name[NAME_SIZE];
    size_t len = strcspn(path, ".[");

    if (!cJSON_IsObject(*item) || str_copy_n(name, sizeof name, path, len) == -1)
        return NULL;
    *item = cJSON_GetObjectItemCaseSensitive(*item, name);
    return path + len;
}

/* "[i]". */
static const char *step_index(const cJSON **item, const char *path)
{
    int i = 0;

    for (path++; *path >= '0' && *path <= '9' && i < 1000000; path++)
        i = i * 10 + (*path - '0');
    if (*path != ']' || !cJSON_IsArray(*item))
        return NULL;
    *item = cJSON_GetArrayItem(*item, i);
    return path + 1;
}

const struct cJSON *json_at(const struct cJSON *json, const char *path)
{
    const cJSON *item = json;

    while (item != NULL && *path != '\0') {
        if (*path == '.')
            path++;
        path = *path == '[' ? step_index(&item, path) : step_name(&item, path);
        if (path == NULL)
            return NULL;
    }
    return item == NULL || cJSON_IsNull(item) ? NULL : item;
}

const char *json_text(const struct cJSON *json, const char *path, const char *otherwise)
{
    const cJSON *item = json_at(json, path);

    return item != NULL && cJSON_IsString(item) ? item->valuestring : otherwise;
}

bool json_integer(const struct cJSON *item, bool *negative, uint64_t *n)
{
    double value, whole;

    if (item == NULL || !cJSON_IsNumber(item))
        return false;
    value = item->valuedouble;
    if (!(value >= -EXACT_MAX && value <= EXACT_MAX))
        return false;
    whole = (double)(int64_t)value;
    if (whole < value || whole > value)
        return false;
    *negative = value < 0;
    *n = (uint64_t)(value < 0 ? -value : value);
    return true;
}

int64_t json_i64(const struct cJSON *json, const char *path, int64_t otherwise)
{
    bool negative;
    uint64_t n;

    if (!json_integer(json_at(json, path), &negative, &n))
        return otherwise;
    return negative ? -(int64_t)n : (int64_t)n;
}

double json_loose(const struct cJSON *json, const char *path, double otherwise)
{
    const cJSON *item = json_at(json, path);
    char *end;
    double n;

    if (item == NULL)
        return otherwise;
    if (cJSON_IsNumber(item))
        return item->valuedouble;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? 1 : 0;
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0')
        return otherwise;
    n = strtod(item->valuestring, &end);
    return *end == '\0' && isfinite(n) ? n : otherwise;
}

bool json_bool(const struct cJSON *json, const char *path, bool otherwise)
{
    const cJSON *item = json_at(json, path);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) != 0 : otherwise;
}

int json_size(const struct cJSON *json, const char *path)
{
    const cJSON *item = json_at(json, path);

    return cJSON_IsArray(item) || cJSON_IsObject(item) ? cJSON_GetArraySize(item) : 0;
}

const struct cJSON *json_next(const struct cJSON *parent, const struct cJSON *at)
{
    if (at != NULL)
        return at->next;
    return parent != NULL && (cJSON_IsArray(parent) || cJSON_IsObject(parent)) ? parent->child
                                                                               : NULL;
}

const char *json_name(const struct cJSON *item)
{
    return item->string == NULL ? "" : item->string;
}

enum json_type json_type(const struct cJSON *item)
{
    if (cJSON_IsBool(item))
        return JSON_BOOL;
    if (cJSON_IsNumber(item))
        return JSON_NUMBER;
    if (cJSON_IsString(item))
        return JSON_STRING;
    if (cJSON_IsArray(item))
        return JSON_ARRAY;
    if (cJSON_IsObject(item))
        return JSON_OBJECT;
    return JSON_NULL;
}

int json_print(const struct cJSON *json, struct buf *out)
{
    char *text = cJSON_PrintUnformatted(json);
    int rc = text == NULL ? -1 : buf_text(out, text);

    cJSON_free(text);
    return rc;
}
