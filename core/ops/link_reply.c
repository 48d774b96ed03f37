/* How a link is told to whoever made it. Apart because invitations and resets do it alike. */
#include "link_reply.h"

#include "letter.h"
#include "setting.h"
#include "str.h"

static const struct field rows[] = {
    {.name = "mailed", .type = FIELD_BOOL, .size = 1, .help = "whether the link goes out by mail"},
    {.name = "link",
     .type = FIELD_TEXT,
     .size = LINK_SIZE,
     .help = "the link, shown this once, unless it goes out by mail"},
};
const struct fields link_more = {rows, sizeof rows / sizeof rows[0], 0};

int link_address(struct op_call *call, const char *kind, const char *token, char out[LINK_SIZE],
                 struct err *err)
{
    const struct letter_kind *k = letter_kind_find(kind);
    char url[512];

    if (k == NULL || k->page == NULL)
        return err_set(err, ERR_INTERNAL, "letter_kind", "a letter %s has no link", kind);
    if (setting_text(call->txn, &call->box->conf, "box.url", url, sizeof url, err) < 0)
        return -1;
    (void)str_format(out, LINK_SIZE, "%s%s%s#%s", url, str_ends(url, "/") ? "" : "/", k->page,
                     token);
    return 0;
}

int link_members(struct op_call *call, const char *kind, const char *token, bool mailed,
                 struct err *err)
{
    char link[LINK_SIZE];

    if (!mailed && link_address(call, kind, token, link, err) != 0)
        return -1;
    json_out_key_bool(call->out, "mailed", mailed);
    json_out_key(call->out, "link");
    if (mailed)
        json_out_null(call->out);
    else
        json_out_text(call->out, link);
    return 0;
}
