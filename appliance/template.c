/* Templates of configuration files. Apart because a value that could end a directive must be
 * refused. */
#include "template.h"

#include <string.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#define TEMPLATE_MAX (256u << 10)

static bool value_safe(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || strchr("{}\"'\\$", *value) != NULL)
            return false;
    return true;
}

/* One @NAME@ at ${p}: append its value and return the character behind it, or NULL with ${err}. */
static const char *expand_one(const char *p, const char *from, const struct kv *values,
                              struct buf *out, struct err *err)
{
    const char *end = p + 1, *value;
    char name[KV_NAME_MAX];

    while ((*end >= 'A' && *end <= 'Z') || *end == '_')
        end++;
    if (*end != '@' || end == p + 1) {
        (void)buf_byte(out, '@');
        return p + 1;
    }
    if (str_copy_n(name, sizeof name, p + 1, (size_t)(end - p - 1)) == -1 ||
        (value = kv_get(values, name)) == NULL) {
        err_set(err, ERR_INVALID, "template_name", "%s: no value for %.*s", from,
                (int)(end - p + 1), p);
        return NULL;
    }
    if (!value_safe(value)) {
        err_set(err, ERR_INVALID, "template_value",
                "%s: the value of @%s@ has a character that "
                "would change the meaning of the file: %s",
                from, name, value);
        return NULL;
    }
    (void)buf_text(out, value);
    return end + 1;
}

int template_write(const char *from, const char *to, const struct kv *values, struct err *err)
{
    struct buf in, out;
    const char *p;
    int rc = -1;

    buf_init(&in, TEMPLATE_MAX);
    buf_init(&out, TEMPLATE_MAX);
    if (file_read(from, &in, err) == -1)
        goto done;
    for (p = buf_string(&in); *p != '\0';) {
        size_t plain = strcspn(p, "@");
        (void)buf_add(&out, p, plain);
        p += plain;
        if (*p == '@' && (p = expand_one(p, from, values, &out, err)) == NULL)
            goto done;
    }
    if (out.failed)
        err_set(err, ERR_TOO_LARGE, "template_size", "%s grows too large", from);
    else
        rc = file_write(to, buf_string(&out), out.len, 0644, err);
done:
    buf_free(&in);
    buf_free(&out);
    return rc;
}
