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

/* What `enable` makes the same of as root, who takes no text from whoever could read the store. */
static int show_json(const struct web_kind *kind, const struct web_said *said,
                     const struct buf *text, struct err *err)
{
    struct buf b;
    struct json_out j;

    buf_init(&b, 2 * TEMPLATE_MAX);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "web_server");
    json_out_key_text(&j, "kind", kind->name);
    json_out_key_text(&j, "file", kind->file);
    json_out_key(&j, "made_for");
    json_out_array(&j);
    for (size_t i = 0; i < web_said_count; i++) {
        json_out_object(&j);
        json_out_key_text(&j, "name", web_said_rows[i].name);
        json_out_key_text(&j, "value", (const char *)said + web_said_rows[i].offset);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
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
    struct web_said said;
    struct kv facts;
    struct buf text;
    bool keep = false, pages = false;
    int rc = -1;

    if (argc < 1)
        return err_field(err, "argument", "usage", USAGE);
    if ((kind = web_kind_find(argv[0], err)) == NULL ||
        wish_read(&wish, &keep, &pages, argc - 1, argv + 1, err) == -1 ||
        cli_open(cli, err) == -1 || web_said_read(cli, &wish, &said, err) == -1 ||
        web_facts(cli, kind, wish.web, &said, &facts, err) == -1)
        return -1;
    if (web_text(cli, kind, &facts, &text, err) == 0 &&
        (!keep || db_write(cli->box.db, keep_write, &wish, err) == 0) &&
        (!pages || pages_write(cli, &wish, &facts, err) == 0)) {
        rc = 0;
        if (cli->output == CLI_JSON)
            rc = show_json(kind, &said, &text, err);
        else
            (void)fputs(buf_string(&text), stdout);
    }
    buf_free(&text);
    return rc;
}
