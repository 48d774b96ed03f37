/*
 * The token that a connector takes, made and read. Apart from the calls because it is made without
 * asking anybody, and programs without a network read it.
 */
#include "cloudflare.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

int cloudflare_connector_token(const char *account, const char *tunnel, const char *secret,
                               char out[CLOUDFLARE_TOKEN_SIZE], struct err *err)
{
    struct json_out j;
    struct buf json;
    int len = -1;

    buf_init(&json, CLOUDFLARE_TOKEN_SIZE);
    json_out_init(&j, &json);
    json_out_object(&j);
    json_out_key_text(&j, "a", account);
    json_out_key_text(&j, "t", tunnel);
    json_out_key_text(&j, "s", secret);
    json_out_end_object(&j);
    if (!json.failed)
        len = enc_base64(out, CLOUDFLARE_TOKEN_SIZE, buf_string(&json), json.len);
    buf_free(&json);
    if (len == -1)
        return err_set(err, ERR_INVALID, "cloudflare_token",
                       "the tunnel's token would be too long");
    return 0;
}

int cloudflare_token_read(const char *token, struct cloudflare_credentials *out, struct err *err)
{
    char text[CLOUDFLARE_TOKEN_SIZE];
    struct cJSON *json = NULL;
    size_t len = 0;
    int result = -1;

    memset(out, 0, sizeof *out);
    if (sodium_base642bin((unsigned char *)text, sizeof text, token, strlen(token), NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
        json = json_parse(text, len, &json_limits_api, NULL);
    if (json != NULL &&
        str_copy(out->account, sizeof out->account, json_text(json, "a", "")) == 0 &&
        str_copy(out->tunnel, sizeof out->tunnel, json_text(json, "t", "")) == 0 &&
        str_copy(out->secret, sizeof out->secret, json_text(json, "s", "")) == 0 &&
        out->account[0] != '\0' && out->tunnel[0] != '\0' && out->secret[0] != '\0')
        result = 0;
    json_free(json);
    sodium_memzero(text, sizeof text);
    return result == 0 ? 0
                       : err_field(err, "token", "token_invalid",
                                   "that is not the token of a tunnel's connector");
}
