/*
 * `sett web-server enable` and `disable`. The configuration is rendered by a child that is no
 * longer root, because the store is not root's to read; root puts the text in place, has the server
 * check all of it, and takes it back when it is refused: other sites live there, too.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "json_in.h"
#include "process_launch.h"
#include "route_list.h"
#include "str.h"
#include "web_note.h"
#include "web_server.h"

#define SYSTEMD   "/run/systemd/system"
#define FILE_MAX  (512u << 10)
#define CHILD_S   30
#define SAID_SIZE 700
#define IMPORT    "import /etc/caddy/sett.caddy\n"

/* A file of the web server's before we touched it. */
struct former {
    const char *path;
    struct buf text; /* of a file, or where a link leads */
    bool was, is_link;
    mode_t mode; /* what is not ours may hold secrets: it stays whose it is */
    uid_t uid;
    gid_t gid;
};

struct enabling {
    struct cli *cli;
    const struct web_kind *kind;
    bool again;           /* it was enabled before: a server that does not run stays so */
    struct cJSON *shown;  /* what the child said */
    struct web_said said; /* of that, the settings, each looked at once more */
    struct kv facts;
    struct buf text;                       /* the configuration */
    struct former file, link, other, main; /* other: its link under the other name */
};

static int former_read(struct former *f, const char *path, struct err *err)
{
    struct stat st;
    char to[PATHS_SIZE];
    ssize_t len;

    *f = (struct former){.path = path, .mode = 0644};
    buf_init(&f->text, FILE_MAX);
    if (path == NULL || lstat(path, &st) == -1)
        return 0;
    f->was = true;
    if (!S_ISLNK(st.st_mode)) {
        f->mode = st.st_mode & 07777;
        f->uid = st.st_uid;
        f->gid = st.st_gid;
        return file_read(path, &f->text, err);
    }
    f->is_link = true;
    if ((len = readlink(path, to, sizeof to)) == -1)
        return err_sys(err, "readlink", errno, path);
    return buf_add(&f->text, to, (size_t)len);
}

/* ${text} in its place, for those who could read what was there. */
static int former_write(const struct former *f, const char *text, size_t len, struct err *err)
{
    if (file_write(f->path, text, len, f->mode, err) == -1)
        return -1;
    return (f->uid == 0 && f->gid == 0) || lchown(f->path, f->uid, f->gid) == 0
               ? 0
               : err_sys(err, "chown", errno, f->path);
}

/* As it was. What fails here is told by the next test of the server. */
static void former_restore(const struct former *f)
{
    struct err why;

    if (f->path == NULL)
        return;
    if (!f->was || f->is_link)
        (void)unlink(f->path);
    if (f->was && f->is_link)
        (void)!symlink(buf_string(&f->text), f->path);
    else if (f->was)
        (void)former_write(f, buf_string(&f->text), f->text.len, &why);
}

/* What the child printed, or the error that it printed. */
static int shown_read(struct enabling *e, struct buf *out, int code, struct err *err)
{
    const struct json_limits limits = {.bytes = FILE_MAX, .members = 64, .depth = 4};
    const char *from = strchr(buf_string(out), '{');
    const char *end = from == NULL ? NULL : strrchr(from, '}');
    struct err why;

    json_free(e->shown);
    e->shown = NULL;
    if (end != NULL)
        e->shown = json_parse(from, (size_t)(end - from) + 1, &limits, &why);
    if (e->shown != NULL && code == 0)
        return 0;
    err_set(err, ERR_INVALID, "web_server_facts", "%.500s",
            e->shown == NULL ? str_trim(out->data == NULL ? (char[]){"no answer"} : out->data)
                             : json_text(e->shown, "detail", "no answer"));
    if (e->shown != NULL && json_text(e->shown, "hint", "")[0] != '\0')
        return err_hint(err, "%s", json_text(e->shown, "hint", ""));
    return -1;
}

/* Ask the child; ${keep}: what is wished becomes settings as well. */
static int show(struct enabling *e, bool keep, int argc, char **argv, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    char self[PATHS_SIZE + 8];
    struct buf out;
    int code = -1, bad = 0, rc = -1;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory");
    buf_init(&out, FILE_MAX);
    (void)str_format(self, sizeof self, "%s/sett", e->cli->programs);
    if (!file_exists(self))
        (void)str_copy(self, sizeof self, "/usr/bin/sett");
    (void)str_copy(plan->name, sizeof plan->name, "web-server");
    bad |= process_plan_arg(plan, self) | process_plan_arg(plan, "--json");
    if (e->cli->paths.root[0] != '\0')
        bad |= process_plan_arg(plan, "--root") | process_plan_arg(plan, e->cli->paths.root);
    bad |= process_plan_arg(plan, "web-server") | process_plan_arg(plan, "show") |
           process_plan_arg(plan, e->kind->name);
    if (keep)
        bad |= process_plan_arg(plan, "--keep");
    for (int i = 0; i < argc; i++)
        bad |= process_plan_arg(plan, argv[i]);
    if (bad != 0)
        err_field(err, "argument", "usage", "the arguments are too long");
    else if (process_run(plan, CHILD_S, &out, &code, err) == 0)
        rc = shown_read(e, &out, code, err);
    buf_free(&out);
    free(plan);
    return rc;
}

/* The folder of the pages that the command line names, or NULL. */
static const char *web_of(int argc, char **argv)
{
    for (int i = 0; i + 1 < argc; i++)
        if (str_equal(argv[i], "--web"))
            return argv[i + 1];
    return NULL;
}

/* The configuration, out of the child's settings. Not its text: the child runs as the worker's
 * user, and a web server's configuration can have root run or overwrite whatever it names. */
static int text_make(struct enabling *e, const char *web, struct err *err)
{
    const struct cJSON *list = json_at(e->shown, "made_for"), *at = NULL;

    for (size_t i = 0; (at = json_next(list, at)) != NULL && i < web_said_count; i++) {
        const struct web_said_row *row = &web_said_rows[i];
        if (!str_equal(json_text(at, "name", ""), row->name) ||
            str_copy((char *)&e->said + row->offset, row->size, json_text(at, "value", "")) == -1)
            return err_field(err, "value", "setting_invalid", "%s is not what was asked for",
                             row->name);
    }
    if (web_said_check(&e->said, err) == -1 ||
        (conf_read(&e->cli->box.conf, e->cli->paths.conf, err) == -1 &&
         err->kind != ERR_NOT_FOUND) ||
        web_facts(e->cli, e->kind, web, &e->said, &e->facts, err) == -1)
        return -1;
    return web_text(e->cli, e->kind, &e->facts, &e->text, err);
}

/* The tenants' map in the form that this server reads. The hands write it from now on. */
static int map_write(const struct enabling *e, struct err *err)
{
    char routes[PATHS_SIZE + 16];
    struct route_list list = {0};
    struct buf text;
    int rc;

    (void)str_format(routes, sizeof routes, "%s/routes", e->cli->paths.hands);
    if (route_list_read(&list, routes, err) == -1)
        return -1;
    route_list_map(&list, route_form_of(e->kind->name), &text);
    rc = file_write(e->cli->paths.web_map, buf_string(&text), text.len, 0644, err);
    route_list_free(&list);
    buf_free(&text);
    return rc;
}

/* What the configuration was made for, as lines of the note. */
static void made_for(const struct enabling *e, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < web_said_count; i++) {
        const struct web_said_row *row = &web_said_rows[i];
        size_t len = strlen(out);
        (void)str_format(out + len, size - len, "for.%s = %s\n", row->name,
                         (const char *)&e->said + row->offset);
    }
}

/* What hands, certificates and doctor want to know: which server, how to test and load it. */
static int note_write(const struct enabling *e, struct err *err)
{
    const struct web_kind *k = e->kind;
    char text[4096], lines[3072], load[128];

    made_for(e, lines, sizeof lines);
    (void)str_format(load, sizeof load, "/usr/bin/systemctl try-reload-or-restart %s", k->name);
    if (str_format(text, sizeof text,
                   "# Written by sett web-server enable.\n[web]\nkind = %s\ntest = %s\n"
                   "reload = %s\npid = %s\nerror_log = %s\nkey_group = %s\n%s",
                   k->name, k->test, file_exists(SYSTEMD) ? load : k->reload, k->pid, k->error_log,
                   k->user == NULL ? "" : k->user, lines) == -1)
        return err_set(err, ERR_TOO_LARGE, "too_large", "%s would be too large",
                       e->cli->paths.web_note);
    return file_write(e->cli->paths.web_note, text, strlen(text), 0644, err);
}

static int folders_make(const struct enabling *e, struct err *err)
{
    char folder[PATHS_SIZE], *slash;
    const char *prefix = kv_get_or(&e->facts, "PREFIX", "");

    (void)str_copy(folder, sizeof folder, e->cli->paths.web_note);
    if ((slash = strrchr(folder, '/')) != NULL)
        *slash = '\0';
    if (file_mkdirs(folder, 0755, err) == -1 || file_mkdirs(e->cli->paths.acme, 0755, err) == -1)
        return -1;
    return prefix[0] == '\0' ? 0 : web_pages(e->cli->web, prefix, e->cli->paths.web_pages, err);
}

/* A server that is never root belongs to the group of the front's sockets, and reads the key of the
 * certificate by its own group; later ones are given to that by `sett certificate` (key_group). */
static int user_prepare(const struct enabling *e, struct err *err)
{
    const struct group *group = e->kind->user == NULL ? NULL : getgrnam(e->kind->user);
    char command[128], said[SAID_SIZE], key[PATHS_SIZE + 16];

    if (group == NULL)
        return 0;
    (void)str_format(command, sizeof command, "/usr/sbin/usermod -a -G www-data %s", e->kind->user);
    if (web_run(command, said, sizeof said, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "web_user", "%s failed: %s", command, said);
    (void)str_format(key, sizeof key, "%s/key.pem", e->cli->paths.tls);
    if (!str_equal(e->said.tls, "true") || !file_exists(key))
        return 0;
    if (chown(key, 0, group->gr_gid) == -1 || chmod(key, 0640) == -1)
        return err_sys(err, "key_group", errno, key);
    return 0;
}

/* Caddy imports what its file says. Ours comes first: it begins with options, which must. */
static int main_import(const struct enabling *e, struct err *err)
{
    struct buf b;
    const char *text = buf_string(&e->main.text);
    int rc;

    if (e->kind->main == NULL || strstr(text, IMPORT) != NULL)
        return 0;
    if (e->main.is_link) {
        err_set(err, ERR_CONFLICT, "main_is_link", "%s is a link: what it leads to is not changed",
                e->kind->main);
        return err_hint(err, "put the file itself there; or sett web-server show %s, by hand",
                        e->kind->name);
    }
    buf_init(&b, FILE_MAX);
    (void)buf_text(&b, IMPORT);
    (void)buf_text(&b, text);
    rc = former_write(&e->main, buf_string(&b), b.len, err);
    buf_free(&b);
    return rc;
}

static int put_in_place(const struct enabling *e, struct err *err)
{
    const struct web_kind *k = e->kind;
    bool first = str_equal(e->said.is_default, "true");
    const char *link = first ? k->first : k->link, *other = first ? k->link : k->first;
    char said[SAID_SIZE];

    if (k->modules != NULL && web_run(k->modules, said, sizeof said, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "web_modules", "%s failed: %s", k->modules, said);
    if (user_prepare(e, err) == -1 ||
        file_write(k->file, buf_string(&e->text), e->text.len, 0644, err) == -1)
        return -1;
    if (link == NULL)
        return main_import(e, err);
    if (!str_equal(link, other) && unlink(other) == -1 && errno != ENOENT)
        return err_sys(err, "unlink", errno, other);
    if (unlink(link) == -1 && errno != ENOENT)
        return err_sys(err, "unlink", errno, link);
    return symlink(k->file, link) == -1 ? err_sys(err, "symlink", errno, link) : 0;
}

static int check(const struct enabling *e, struct err *err)
{
    char said[SAID_SIZE], command[96];
    const struct web_kind *k = e->kind;

    if (web_run(k->test, said, sizeof said, err) != 0) {
        err_set(err, ERR_INVALID, "web_server_refused", "%s does not take it: %s", k->name, said);
        if (strstr(said, "default server") != NULL)
            return err_hint(err,
                            "another site is the default there: take that away (Debian's own is "
                            "/etc/nginx/sites-enabled/default), or leave out --default-server");
        return err_hint(err, "nothing was changed; see it with: sett web-server show %s", k->name);
    }
    if (!file_exists(SYSTEMD))
        return 0; /* it reads this when it starts */
    (void)str_format(command, sizeof command, "/usr/bin/systemctl %s%s %s", e->again ? "try-" : "",
                     k->user == NULL ? "reload-or-restart" : "restart", k->name);
    if (web_run(command, said, sizeof said, err) == 0)
        return 0;
    err_set(err, ERR_UNAVAILABLE, "web_server_load", "%s does not load it: %s", k->name, said);
    return err_hint(
        err, "nothing was changed; journalctl -u %s -n 20, and ss -ltnp for who has its ports",
        k->name);
}

/* The kind whose configuration is ours at the moment; "" for none. */
static void kind_now(const struct cli *cli, char *out, size_t size)
{
    struct web_note note;
    struct err why;

    (void)str_copy(out, size,
                   web_note_read(&note, cli->paths.web_note, NULL, &why) == 1 ? note.kind : "");
}

static int root_check(const struct cli *cli, const struct web_kind *kind, struct err *err)
{
    char now[32], program[64];

    if (geteuid() != 0)
        return err_set(err, ERR_FORBIDDEN, "needs_root",
                       "only root writes the configuration of a web server");
    if (cli->paths.root[0] != '\0')
        return err_set(err, ERR_INVALID, "root_option",
                       "a box below a folder has a web server of its own: sett run");
    (void)str_copy_n(program, sizeof program, kind->test, strcspn(kind->test, " "));
    if (!file_exists(program)) {
        err_set(err, ERR_NOT_FOUND, "no_web_server", "there is no %s on this machine", kind->name);
        return err_hint(err, "apt-get install %s", kind->name);
    }
    kind_now(cli, now, sizeof now);
    if (now[0] == '\0' || str_equal(now, kind->name))
        return 0;
    err_set(err, ERR_CONFLICT, "web_server_other", "%s is the box's web server already", now);
    return err_hint(err, "sett web-server disable %s", now);
}

static int enable(struct cli *cli, bool again, int argc, char **argv, struct err *err)
{
    struct enabling e = {.cli = cli, .again = again};
    int rc = -1;

    if ((e.kind = web_kind_find(argv[0], err)) == NULL || root_check(cli, e.kind, err) == -1 ||
        show(&e, false, argc - 1, argv + 1, err) == -1 ||
        text_make(&e, web_of(argc - 1, argv + 1), err) == -1)
        goto done;
    bool first = str_equal(e.said.is_default, "true");
    if (folders_make(&e, err) == -1 || map_write(&e, err) == -1 ||
        former_read(&e.file, e.kind->file, err) == -1 ||
        former_read(&e.link, first ? e.kind->first : e.kind->link, err) == -1 ||
        former_read(&e.other, first ? e.kind->link : e.kind->first, err) == -1 ||
        former_read(&e.main, e.kind->main, err) == -1)
        goto done;
    if (put_in_place(&e, err) == 0 && check(&e, err) == 0 &&
        show(&e, true, argc - 1, argv + 1, err) == 0 && note_write(&e, err) == 0) {
        if (!cli->quiet)
            fprintf(stderr, "%s serves the box; its configuration is %s\n", e.kind->name,
                    e.kind->file);
        rc = 0;
    } else {
        former_restore(&e.main);
        former_restore(&e.link);
        if (!str_equal(e.kind->link == NULL ? "" : e.kind->link,
                       e.kind->first == NULL ? "" : e.kind->first))
            former_restore(&e.other);
        former_restore(&e.file);
    }
done:
    json_free(e.shown);
    buf_free(&e.text);
    buf_free(&e.file.text);
    buf_free(&e.link.text);
    buf_free(&e.other.text);
    buf_free(&e.main.text);
    return rc;
}

int cli_web_server_enable(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (argc < 1)
        return err_field(err, "argument", "usage", "usage: sett web-server enable KIND [OPTIONS]");
    return enable(cli, false, argc, argv, err);
}

/* After an upgrade: pages name other files, and a template may say more. The pages first, and for
 * the address of before, so that they are right though the store cannot be read yet. */
int cli_web_server_refresh(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct conf *note = calloc(1, sizeof *note);
    char kind[32], prefix[PREFIX_SIZE], *words[] = {kind, NULL};
    const char *url;
    int rc = 0;

    (void)argv;
    if (argc > 0)
        rc = err_field(err, "argument", "usage", "usage: sett web-server refresh");
    kind_now(cli, kind, sizeof kind);
    if (rc == 0 && kind[0] != '\0' && note != NULL &&
        conf_read(note, cli->paths.web_note, err) == 0 &&
        (url = conf_get(note, "web", "for.box.url")) != NULL) {
        prefix_of(url, prefix);
        if (prefix[0] != '\0')
            rc = web_pages(cli->web, prefix, cli->paths.web_pages, err);
    }
    free(note);
    if (rc == -1 || kind[0] == '\0')
        return rc;
    return enable(cli, true, 1, words, err);
}

int cli_web_server_disable(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct web_kind *k;
    struct former main;
    char said[SAID_SIZE], command[96];
    int rc = 0;

    if (argc != 1)
        return err_field(err, "argument", "usage", "usage: sett web-server disable KIND");
    if ((k = web_kind_find(argv[0], err)) == NULL)
        return -1;
    if (geteuid() != 0)
        return err_set(err, ERR_FORBIDDEN, "needs_root",
                       "only root writes the configuration of a web server");
    if (former_read(&main, k->main, err) == -1)
        return -1;
    char *at = main.was && main.text.len > 0 ? strstr(main.text.data, IMPORT) : NULL;
    if (at != NULL) {
        memmove(at, at + strlen(IMPORT), strlen(at + strlen(IMPORT)) + 1);
        rc = former_write(&main, main.text.data, strlen(main.text.data), err);
    }
    buf_free(&main.text);
    const char *const gone[] = {k->link, k->first, k->file};
    for (size_t i = 0; rc == 0 && i < sizeof gone / sizeof gone[0]; i++)
        if (gone[i] != NULL && unlink(gone[i]) == -1 && errno != ENOENT)
            rc = err_sys(err, "unlink", errno, gone[i]);
    if (rc == -1)
        return -1;
    kind_now(cli, said, sizeof said);
    if (str_equal(said, k->name))
        (void)unlink(cli->paths.web_note);
    (void)str_format(command, sizeof command, "/usr/bin/systemctl try-reload-or-restart %s",
                     k->name);
    if (file_exists(SYSTEMD) && web_run(command, said, sizeof said, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "web_server_load", "%s does not load the rest: %s",
                       k->name, said);
    return 0;
}
