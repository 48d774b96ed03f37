/* The envelope of stored values. Apart because the tag is the store's only defence against bits
 * that rot: every value that is used has passed through here. */
#include "value.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "key.h"

static void tag_of(uint8_t tag[VALUE_TAG], const uint8_t *key, size_t key_len, const uint8_t *head,
                   size_t len)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, VALUE_TAG);
    (void)crypto_generichash_update(&state, key, key_len);
    (void)crypto_generichash_update(&state, head, len);
    (void)crypto_generichash_final(&state, tag, VALUE_TAG);
}

void value_begin(struct buf *out, uint8_t version)
{
    const uint8_t head[VALUE_HEAD] = {version};

    buf_reset(out);
    (void)buf_add(out, head, sizeof head);
}

int value_end(struct buf *out, const uint8_t *key, size_t key_len)
{
    uint8_t tag[VALUE_TAG];

    if (out->failed)
        return -1;
    enc_put32((uint8_t *)out->data + 2, (uint32_t)(out->len - VALUE_HEAD));
    tag_of(tag, key, key_len, (const uint8_t *)out->data, out->len);
    return buf_add(out, tag, sizeof tag);
}

const char *value_open(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                       uint8_t *version, const uint8_t **payload, size_t *payload_len)
{
    uint8_t tag[VALUE_TAG];

    if (len < VALUE_HEAD + VALUE_TAG || enc_get32(data + 2) != len - VALUE_HEAD - VALUE_TAG)
        return "a value of a wrong length";
    tag_of(tag, key, key_len, data, len - VALUE_TAG);
    if (memcmp(tag, data + len - VALUE_TAG, VALUE_TAG) != 0)
        return "a value that fails its check";
    if (data[1] != 0)
        return "a value with unknown flags";
    *version = data[0];
    *payload = data + VALUE_HEAD;
    *payload_len = len - VALUE_HEAD - VALUE_TAG;
    return NULL;
}

const char *value_read(const struct table *table, const uint8_t *key, size_t key_len,
                       const uint8_t *data, size_t len, void *record, struct err *why)
{
    const uint8_t *payload;
    size_t payload_len;
    uint8_t version;
    const char *wrong = value_open(key, key_len, data, len, &version, &payload, &payload_len);

    if (wrong != NULL)
        return wrong;
    if (version > table->version)
        return "a value written by a newer version";
    if (fields_decode(&table->fields, version, payload, payload_len, record, why) == -1)
        return why->text;
    return NULL;
}

int value_decode(const struct table *table, const uint8_t *key, size_t key_len, const uint8_t *data,
                 size_t len, void *record, struct err *err)
{
    char name[KEY_TEXT_SIZE];
    struct err why;
    const char *wrong = value_read(table, key, key_len, data, len, record, &why);

    if (wrong == NULL)
        return 0;
    key_text(table, key, key_len, name);
    (void)err_set(err, ERR_CORRUPT, "record_corrupt", "%s %s: %s", table->name, name, wrong);
    return err_hint(err, "sett fsck lists what is damaged; restore the newest verified snapshot");
}
