/* The bounded list of names and values. Apart because jobs, drivers and records all carry one. */
#include "kv.h"

#include <string.h>

#include "str.h"

void kv_clear(struct kv *kv)
{
    kv->len = 0;
}

int kv_next(const struct kv *kv, size_t *at, const char **name, const char **value)
{
    const char *p;

    if (*at >= kv->len)
        return 0;
    p = kv->data + *at;
    *name = p;
    *value = p + strlen(p) + 1;
    *at = (size_t)(*value + strlen(*value) + 1 - kv->data);
    return 1;
}

/* The place of a name: its pair begins at *begin and ends before *end. Return 1 or 0. */
static int find(const struct kv *kv, const char *name, size_t *begin, size_t *end)
{
    const char *n, *v;

    *begin = *end = 0;
    while (kv_next(kv, end, &n, &v)) {
        if (str_equal(n, name))
            return 1;
        *begin = *end;
    }
    return 0;
}

void kv_unset(struct kv *kv, const char *name)
{
    size_t begin, end;

    if (!find(kv, name, &begin, &end))
        return;
    memmove(kv->data + begin, kv->data + end, kv->len - end);
    kv->len = (uint16_t)(kv->len - (end - begin));
}

int kv_set(struct kv *kv, const char *name, const char *value)
{
    size_t begin, end, n = strlen(name) + 1, v = strlen(value) + 1, old = 0;

    if (n == 1 || n > KV_NAME_MAX)
        return -1;
    if (find(kv, name, &begin, &end))
        old = end - begin;
    if (kv->len - old + n + v > KV_SIZE)
        return -1;
    kv_unset(kv, name);
    memcpy(kv->data + kv->len, name, n);
    memcpy(kv->data + kv->len + n, value, v);
    kv->len = (uint16_t)(kv->len + n + v);
    return 0;
}

int kv_set_u64(struct kv *kv, const char *name, uint64_t value)
{
    char text[24];

    (void)str_format(text, sizeof text, "%llu", (unsigned long long)value);
    return kv_set(kv, name, text);
}

const char *kv_get(const struct kv *kv, const char *name)
{
    size_t begin, end;

    if (!find(kv, name, &begin, &end))
        return NULL;
    return kv->data + begin + strlen(name) + 1;
}

const char *kv_get_or(const struct kv *kv, const char *name, const char *otherwise)
{
    const char *value = kv_get(kv, name);

    return value == NULL ? otherwise : value;
}

uint64_t kv_get_u64(const struct kv *kv, const char *name, uint64_t otherwise)
{
    const char *value = kv_get(kv, name);
    uint64_t n;

    if (value == NULL || str_u64(value, 0, UINT64_MAX, &n) == -1)
        return otherwise;
    return n;
}

int kv_merge(struct kv *to, const struct kv *from)
{
    const char *name, *value;
    size_t at = 0;

    while (kv_next(from, &at, &name, &value))
        if (kv_set(to, name, value) == -1)
            return -1;
    return 0;
}

int kv_load(struct kv *kv, const void *data, size_t len)
{
    const char *p = data;
    size_t strings = 0;

    kv_clear(kv);
    if (len > KV_SIZE || (len > 0 && p[len - 1] != '\0'))
        return -1;
    for (size_t i = 0; i < len; i++)
        if (p[i] == '\0')
            strings++;
    if (strings % 2 != 0)
        return -1;
    if (len > 0)
        memcpy(kv->data, p, len);
    kv->len = (uint16_t)len;
    return 0;
}
