/*
 * What a browser says of itself when a passkey is made or used, and where. Apart from the
 * signatures because it needs no library, and because this is what ties a signature to our page:
 * strict, or it ties nothing.
 */
#include "webauthn.h"

#include <string.h>

#include "json_in.h"
#include "str.h"

int webauthn_site_of(const char *url, struct webauthn_site *site, struct err *err)
{
    const char *rest = strstr(url, "://");
    bool https = str_starts(url, "https://");
    size_t len, host;

    memset(site, 0, sizeof *site);
    if (rest == NULL)
        return err_set(err, ERR_CONFLICT, "passkeys_impossible", "box.url is no address");
    rest += 3;
    len = strcspn(rest, "/?#");
    host = rest[0] == '[' ? len : strcspn(rest, ":/?#");
    /* Browsers leave the scheme's own port out. */
    if (strncmp(rest + host, https ? ":443" : ":80", len - host) == 0 &&
        len - host == (https ? 4u : 3u))
        len = host;
    if (str_copy_n(site->origin, sizeof site->origin, url, (size_t)(rest - url) + len) != 0 ||
        str_copy_n(site->rp_id, sizeof site->rp_id, rest, host) != 0)
        return err_set(err, ERR_CONFLICT, "passkeys_impossible", "box.url is too long");
    str_lower(site->origin);
    str_lower(site->rp_id);
    if (site->rp_id[0] == '[' || site->rp_id[strspn(site->rp_id, "0123456789.")] == '\0') {
        (void)err_set(err, ERR_CONFLICT, "passkeys_impossible",
                      "passkeys need a name, and box.url is an IP address");
        return err_hint(err, "sett setting set box.url https://NAME");
    }
    return 0;
}

static int refused(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHENTICATED, "passkey_refused",
                   "the passkey's answer is no good: %s", why);
}

int webauthn_client(const struct webauthn_site *site, const char *type, const char *challenge,
                    const char *text, size_t len, struct err *err)
{
    struct json_limits limits = {.bytes = WEBAUTHN_CLIENT_MAX, .members = 32, .depth = 4};
    struct cJSON *json = json_parse(text, len, &limits, NULL);
    const char *why = NULL;

    if (json == NULL)
        why = "it is not client data";
    else if (!str_equal(json_text(json, "type", ""), type))
        why = "it is of another kind";
    else if (challenge[0] == '\0' || !str_equal(json_text(json, "challenge", ""), challenge))
        why = "it is for another challenge";
    else if (!str_equal(json_text(json, "origin", ""), site->origin))
        why = "it is from another origin than box.url";
    else if (json_bool(json, "crossOrigin", false) || json_at(json, "topOrigin") != NULL)
        why = "it is from within another page";
    json_free(json);
    return why == NULL ? 0 : refused(err, why);
}
