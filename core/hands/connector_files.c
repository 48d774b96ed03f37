/*
 * What a connector goes by, on disk. Apart from its unit because here rules that came over a socket
 * become a file that a program of root's folder reads: they are read, checked and written anew.
 */
#include "connector_files.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloudflare.h"
#include "file.h"
#include "json_out.h"
#include "str.h"

#define TOKEN_TEXT_MAX 1024

int connector_files(const char *hands, uint64_t number, struct connector_files *f, struct err *err)
{
    unsigned long long n = number;

    if (str_format(f->token, sizeof f->token, "%s/tunnels/%llu.token", hands, n) == 0 &&
        str_format(f->env, sizeof f->env, "%s/tunnels/%llu.env", hands, n) == 0 &&
        str_format(f->config, sizeof f->config, "%s/tunnels/%llu.yml", hands, n) == 0 &&
        str_format(f->credentials, sizeof f->credentials, "%s/tunnels/%llu.json", hands, n) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", hands);
}

/* The token's content as cloudflared's credentials file. */
static int credentials_of(const char *token, struct buf *out, struct cloudflared_file *file,
                          struct err *err)
{
    struct cloudflare_credentials c;
    struct json_out j;

    if (cloudflare_token_read(token, &c, err) == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "AccountTag", c.account);
    json_out_key_text(&j, "TunnelSecret", c.secret);
    json_out_key_text(&j, "TunnelID", c.tunnel);
    json_out_end_object(&j);
    (void)buf_byte(out, '\n');
    memcpy(file->tunnel, c.tunnel, sizeof file->tunnel);
    sodium_memzero(&c, sizeof c);
    return 0;
}

/* Write what is not there so already. Return 1 if it was not, 0 or -1. */
static int bring_about(const char *path, const struct buf *text, struct err *err)
{
    struct buf now;
    bool same;

    buf_init(&now, CLOUDFLARED_TEXT_MAX);
    same = file_read(path, &now, NULL) == 0 && str_equal(buf_string(&now), buf_string(text));
    if (now.data != NULL)
        explicit_bzero(now.data, now.len);
    buf_free(&now);
    if (same)
        return 0;
    return file_write(path, text->data, text->len, 0600, err) == -1 ? -1 : 1;
}

static int write_both(const struct connector_files *f, const char *token, const char *rules,
                      struct buf *credentials, struct buf *yaml, struct err *err)
{
    struct cloudflared_config config = {0};
    struct cloudflared_file file = {0};
    int a, b, result = -1;

    (void)str_copy(file.credentials_file, sizeof file.credentials_file, f->credentials);
    if (credentials_of(token, credentials, &file, err) == 0 &&
        cloudflared_parse_json(rules, strlen(rules), &config, err) == 0 &&
        cloudflared_check(&config, err) == 0)
        result = cloudflared_write_yaml(&config, &file, yaml) == 0
                     ? 0
                     : err_set(err, ERR_TOO_LARGE, "rules_too_large",
                               "the rules do not fit into a file");
    cloudflared_free(&config);
    if (result == -1)
        return -1;
    if ((a = bring_about(f->credentials, credentials, err)) == -1 ||
        (b = bring_about(f->config, yaml, err)) == -1)
        return -1;
    return a | b;
}

static int gone(const char *path, struct err *err)
{
    if (unlink(path) == 0)
        return 1;
    return errno == ENOENT ? 0 : err_sys(err, "file_remove", errno, path);
}

int connector_files_write(const struct connector_files *f, const char *token, const char *rules,
                          struct err *err)
{
    struct buf credentials, yaml;
    int a, b, result;

    if (rules[0] == '\0') {
        if ((a = gone(f->config, err)) == -1 || (b = gone(f->credentials, err)) == -1)
            return -1;
        return a | b;
    }
    buf_init(&credentials, TOKEN_TEXT_MAX * 2);
    buf_init(&yaml, CLOUDFLARED_TEXT_MAX);
    result = write_both(f, token, rules, &credentials, &yaml, err);
    if (credentials.data != NULL)
        sodium_memzero(credentials.data, credentials.cap);
    buf_free(&credentials);
    buf_free(&yaml);
    return result;
}

bool connector_files_newer(const struct connector_files *f, int64_t since_ms)
{
    const char *const paths[] = {f->token, f->config, f->credentials};
    struct stat st;

    if (since_ms % 1000 == 0)
        since_ms += 999;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (stat(paths[i], &st) == 0 &&
            (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 > since_ms)
            return true;
    return false;
}

int connector_files_remove(const struct connector_files *f, struct err *err)
{
    return gone(f->token, err) == -1 || gone(f->env, err) == -1 || gone(f->config, err) == -1 ||
                   gone(f->credentials, err) == -1
               ? -1
               : 0;
}
