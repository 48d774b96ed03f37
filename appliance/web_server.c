/*
 * `sett web-server show`: the configuration of a web server, for who puts it in place by hand, and
 * for `enable`, which asks a child that may read the store. Apart because this half needs no root.
 */
#include <string.h>

#include "audit.h"
#include "setting.h"
#include "str.h"
#include "template.h"
#include "web_server.h"

#define USAGE                                                                                      \
    "usage: sett web-server show|enable|disable nginx|apache2|lighttpd|caddy [--listen ADDRESSES]" \
    " [--http-port N] [--https-port N] [--tls true|false] [--default-server true|false]"

/* ---- what is wished */

static int wish_read(struct web_wish *w, bool *keep, bool *pages, int argc, char **argv,
                     struct err *err)
{
    const struct {
        const char *option, **to;
    } options[] = {
        {"--listen", &w->listen},
        {"--http-port", &w->http_port},
        {"--https-port", &w->https_port},
        {"--tls", &w->tls},
        {"--default-server", &w->default_server},
        {"--web", &w->web},
    };

    for (int i = 0; i < argc; i++) {
        size_t n = 0;
        while (n < sizeof options / sizeof options[0] && !str_equal(argv[i], options[n].option))
            n++;
        if (str_equal(argv[i], "--keep"))
            *keep = true;
        else if (str_equal(argv[i], "--pages"))
            *pages = true;
        else if (n < sizeof options / sizeof options[0] && i + 1 < argc)
            *options[n].to = argv[++i];
        else
            return err_field(err, "argument", "usage", USAGE);
    }
    return 0;
}

static int keep_write(struct txn *txn, void *arg, struct err *err)
{
    const struct web_wish *w = arg;
    const struct {
        const char *name, *value;
    } all[] = {{"web.listen", w->listen},
               {"web.http_port", w->http_port},
               {"web.https_port", w->https_port},
               {"web.tls", w->tls},
               {"web.default_server", w->default_server}};
    struct audit entry = {.actor = "cli",
                          .actor_kind = "cli",
                          .action = "web-server.enable",
                          .object = "web-server",
                          .result = "ok"};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].value != NULL && setting_set(txn, all[i].name, all[i].value, "cli", err) == -1)
            return -1;
    return audit_add(txn, &entry, err);
}

/* ---- show */

/* Settings that went into it, as lines: `doctor` compares them with what they are later. */
static int made_for_read(const struct cli *cli, char *out, size_t size, struct err *err)
{
    char value[512];
    struct txn *txn;
    int rc = 0;

    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    out[0] = '\0';
    for (size_t i = 0; rc == 0 && i < setting_row_count; i++) {
        const char *name = setting_rows[i].name;
        size_t len = strlen(out);
        if (!str_equal(name, "box.url") && !str_equal(name, "box.domain") &&
            !str_equal(name, "box.trusted_proxies") && !str_starts(name, "web."))
            continue;
        rc = setting_text(txn, &cli->box.conf, name, value, sizeof value, err) < 0 ||
                     setting_check(name, value, err) == -1 ||
                     str_format(out + len, size - len, "for.%s = %s\n", name, value) == -1
                 ? -1
                 : 0;
    }
    db_read_end(txn);
    return rc;
}

/* What `enable` needs besides the text, and what `doctor` compares with the settings of its day. */
static int show_json(const struct cli *cli, const struct web_kind *kind, const struct kv *facts,
                     const struct buf *text, struct err *err)
{
    char made_for[3072];
    struct buf b;
    struct json_out j;

    if (made_for_read(cli, made_for, sizeof made_for, err) == -1)
        return -1;
    buf_init(&b, 2 * TEMPLATE_MAX);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "web_server");
    json_out_key_text(&j, "kind", kind->name);
    json_out_key_text(&j, "file", kind->file);
    json_out_key_text(&j, "prefix", kv_get_or(facts, "PREFIX", ""));
    json_out_key_bool(&j, "default_server", kv_get_or(facts, "DEFAULT", "")[0] != '\0');
    json_out_key_bool(&j, "tls", kv_get_or(facts, "TLS", "")[0] != '\0');
    json_out_key_text(&j, "made_for", made_for);
    json_out_key_text(&j, "text", buf_string(text));
    json_out_end_object(&j);
    if (b.failed)
        return err_set(err, ERR_TOO_LARGE, "too_large", "the configuration is too large");
    printf("%s\n", buf_string(&b));
    buf_free(&b);
    return 0;
}

/* The pages of a box below a path, where the configuration looks for them. */
static int pages_write(const struct cli *cli, const struct web_wish *w, const struct kv *facts,
                       struct err *err)
{
    const char *prefix = kv_get_or(facts, "PREFIX", "");

    if (prefix[0] == '\0')
        return 0;
    return web_pages(w->web == NULL ? cli->web : w->web, prefix, kv_get_or(facts, "PAGES", ""),
                     err);
}

int cli_web_server_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct web_kind *kind;
    struct web_wish wish = {0};
    struct kv facts;
    struct buf text;
    bool keep = false, pages = false;
    int rc = -1;

    if (argc < 1)
        return err_field(err, "argument", "usage", USAGE);
    if ((kind = web_kind_find(argv[0], err)) == NULL ||
        wish_read(&wish, &keep, &pages, argc - 1, argv + 1, err) == -1 ||
        cli_open(cli, err) == -1 || web_facts(cli, kind, &wish, &facts, err) == -1)
        return -1;
    if (web_text(cli, kind, &facts, &text, err) == 0 &&
        (!keep || db_write(cli->box.db, keep_write, &wish, err) == 0) &&
        (!pages || pages_write(cli, &wish, &facts, err) == 0)) {
        rc = 0;
        if (cli->output == CLI_JSON)
            rc = show_json(cli, kind, &facts, &text, err);
        else
            (void)fputs(buf_string(&text), stdout);
    }
    buf_free(&text);
    return rc;
}
