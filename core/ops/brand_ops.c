/*
 * Whose box it is, for the pages that customers see. Apart from the settings because anybody may
 * read this part of them, and because it is set as one thing.
 */
#include "brand.h"

#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"

#include <stdlib.h>

struct update_params {
    char name[512], color[8];
    char support_email[256], support_url[512], imprint_url[512], privacy_url[512], terms_url[512];
};
static const struct field update_rows[] = {
    FIELD(struct update_params, name, FIELD_TEXT, .help = "name for customers; empty: box.name"),
    FIELD(struct update_params, color, FIELD_TEXT, .help = "accent colour, as #3056d3"),
    FIELD(struct update_params, support_email, FIELD_TEXT, .help = "where customers write"),
    FIELD(struct update_params, support_url, FIELD_TEXT, .help = "page where they find help"),
    FIELD(struct update_params, imprint_url, FIELD_TEXT, .help = "who is responsible"),
    FIELD(struct update_params, privacy_url, FIELD_TEXT, .help = "what is done with their data"),
    FIELD(struct update_params, terms_url, FIELD_TEXT, .help = "terms of the service"),
};

struct logo_params {
    char data[BRAND_LOGO_TEXT];
};
static const struct field logo_rows[] = {
    FIELD(struct logo_params, data, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FREE,
          .help = "the picture: an SVG's text, or base64 of an SVG or PNG, 32 KiB at most"),
};
struct picture_params {
    char v[24];
};
static const struct field picture_rows[] = {
    FIELD(struct picture_params, v, FIELD_TEXT,
          .help = "which, so that a new one is a new address"),
};

static const struct field brand_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 512, .help = "name for customers"},
    {.name = "color", .type = FIELD_TEXT, .size = 8, .help = "accent colour, #rrggbb"},
    {.name = "on_color", .type = FIELD_TEXT, .size = 8, .help = "black or white: what reads on it"},
    {.name = "support_email", .type = FIELD_TEXT, .size = 256, .help = "where customers write"},
    {.name = "support_url", .type = FIELD_TEXT, .size = 512, .help = "page where they find help"},
    {.name = "imprint_url", .type = FIELD_TEXT, .size = 512, .help = "who is responsible"},
    {.name = "privacy_url", .type = FIELD_TEXT, .size = 512, .help = "what is done with data"},
    {.name = "terms_url", .type = FIELD_TEXT, .size = 512, .help = "terms of the service"},
    {.name = "logo",
     .type = FIELD_KV,
     .help = "its type, width, height, size_bytes and url, or null"},
};
static const struct fields brand_shape = {brand_rows, sizeof brand_rows / sizeof brand_rows[0], 0};

static void logo_members(struct json_out *j, const struct brand_logo *logo)
{
    char url[64];

    (void)str_format(url, sizeof url, "/api/brand/logo?v=%s", logo->digest);
    json_out_object(j);
    json_out_key_text(j, "object", "brand_logo");
    json_out_key_text(j, "type", logo->type);
    json_out_key_u64(j, "width", logo->width);
    json_out_key_u64(j, "height", logo->height);
    json_out_key_u64(j, "size_bytes", logo->size_bytes);
    json_out_key_text(j, "url", url);
    json_out_key_time(j, "updated_at", logo->updated_at);
    json_out_end_object(j);
}

static int reply(struct op_call *call, struct brand_logo *logo, struct err *err)
{
    struct json_out *j = call->out;
    struct brand b;
    int found = brand_read(call->txn, &call->box->conf, &b, err) == -1
                    ? -1
                    : brand_logo_get(call->txn, logo, err);

    if (found == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "brand");
    json_out_key_text(j, "name", b.name);
    json_out_key_text(j, "color", b.color);
    json_out_key_text(j, "on_color", b.on_color);
    json_out_key_text(j, "support_email", b.support_email);
    json_out_key_text(j, "support_url", b.support_url);
    json_out_key_text(j, "imprint_url", b.imprint_url);
    json_out_key_text(j, "privacy_url", b.privacy_url);
    json_out_key_text(j, "terms_url", b.terms_url);
    json_out_key(j, "logo");
    if (found == 1)
        logo_members(j, logo);
    else
        json_out_null(j);
    json_out_end_object(j);
    return 0;
}

static int brand_show(struct op_call *call, struct err *err)
{
    return reply(call, call->scratch, err);
}

/* Each that was given becomes its setting; all of them, or none. */
static int brand_update(struct op_call *call, struct err *err)
{
    char setting[64], *value;

    for (size_t i = 0; i < sizeof update_rows / sizeof update_rows[0]; i++) {
        if (!op_given(call, update_rows[i].name))
            continue;
        value = (char *)(uintptr_t)call->params + update_rows[i].offset;
        (void)str_format(setting, sizeof setting, "brand.%s", update_rows[i].name);
        if (setting_set(call->txn, setting, value, call->actor.id, err) == -1) {
            (void)str_copy(err->field, sizeof err->field, update_rows[i].name);
            return -1;
        }
    }
    (void)str_copy(call->audit.object, sizeof call->audit.object, "brand");
    return reply(call, call->scratch, err);
}

static int brand_logo(struct op_call *call, struct err *err)
{
    struct brand_logo *logo = call->scratch;
    int found = brand_logo_get(call->txn, logo, err);

    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "logo_not_found", "this box has no logo");
    if (found == -1)
        return -1;
    (void)str_copy(call->content_type, sizeof call->content_type, logo->type);
    (void)str_format(call->etag, sizeof call->etag, "\"%s\"", logo->digest);
    return brand_logo_bytes(logo, call->out->buf, err);
}

static int brand_upload(struct op_call *call, struct err *err)
{
    const struct logo_params *p = call->params;
    struct brand_logo *logo = call->scratch;

    if (brand_logo_set(logo, p->data, call->actor.id, err) == -1)
        return -1;
    logo->updated_at = txn_time_ms(call->txn);
    if (record_put(call->txn, &brand_logo_table, logo, err) == -1)
        return -1;
    object_after(call, &brand_logo_table, logo);
    return reply(call, logo, err);
}

static int brand_clear(struct op_call *call, struct err *err)
{
    struct brand_logo *logo = call->scratch;
    int found = brand_logo_get(call->txn, logo, err);

    if (found == 1)
        object_before(call, &brand_logo_table, logo);
    if (found == -1 || (found == 1 && record_delete(call->txn, &brand_logo_table, logo, err) == -1))
        return -1;
    call->unchanged = found == 0;
    return reply(call, logo, err);
}

const struct op brand_ops[] = {
    {.name = "brand.show",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "Whose box this is: name, colour, logo, addresses for customers",
     .example = "",
     .result = &brand_shape,
     .scratch_size = sizeof(struct brand_logo),
     .run = brand_show},
    {.name = "brand.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(update_rows, struct update_params),
     .help = "Change what order page, portal and letters bear",
     .example = "--name \"Acme Hosting\" --color \"#0a7d5a\" --support-email help@example.com",
     .result = &brand_shape,
     .scratch_size = sizeof(struct brand_logo),
     .run = brand_update},
    {.name = "brand.logo",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .params = PARAMS(picture_rows, struct picture_params),
     .help = "The logo itself",
     .example = "",
     .scratch_size = sizeof(struct brand_logo),
     .run = brand_logo},
    {.name = "brand.upload",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(logo_rows, struct logo_params),
     .help = "Set the logo: an SVG of plain shapes, or a PNG",
     .example = "--data-file logo.svg",
     .result = &brand_shape,
     .scratch_size = sizeof(struct brand_logo),
     .run = brand_upload},
    {.name = "brand.clear",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .help = "Have no logo",
     .example = "",
     .result = &brand_shape,
     .scratch_size = sizeof(struct brand_logo),
     .run = brand_clear},
    {.name = NULL},
};
