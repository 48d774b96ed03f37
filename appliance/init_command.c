/*
 * `sett init` as people meet it: its options, its progress, what it says at its end; and, at the
 * first boot of an appliance, on the console. Apart from the steps, which do not know who watches.
 */
#include "init.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "file.h"
#include "greeting.h"
#include "json_out.h"
#include "str.h"

#define PRESEED_PATH "/etc/sett/preseed.conf"
#define CONSOLE      "/dev/console"

void init_tell(const struct init *in, const char *text)
{
    if (in->cli->quiet || in->cli->output == CLI_JSON)
        return;
    printf("  done  %s\n", text);
    (void)fflush(stdout);
}

void init_note(struct init *in, const char *fmt, ...)
{
    va_list ap;

    if (in->note_count == INIT_NOTES)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(in->notes[in->note_count++], sizeof in->notes[0], fmt, ap);
    va_end(ap);
}

struct options {
    const char *preseed, *server;
    bool first_boot, check;
};

static int read_options(struct options *o, int argc, char **argv, struct err *err)
{
    static const char *const servers[] = {"nginx", "apache2", "lighttpd", "caddy", "none"};
    bool known = false;

    for (int i = 0; i < argc; i++)
        if (str_equal(argv[i], "--first-boot"))
            o->first_boot = true;
        else if (str_equal(argv[i], "--check"))
            o->check = true;
        else if (str_equal(argv[i], "--preseed") && i + 1 < argc)
            o->preseed = argv[++i];
        else if (str_equal(argv[i], "--web-server") && i + 1 < argc)
            o->server = argv[++i];
        else
            return err_field(err, "argument", "usage", "sett init does not know %s", argv[i]);
    for (size_t i = 0; o->server != NULL && i < sizeof servers / sizeof servers[0]; i++)
        known = known || str_equal(servers[i], o->server);
    return o->server == NULL || known ? 0
                                      : err_field(err, "web-server", "unknown_word",
                                                  "--web-server is nginx, apache2, lighttpd, caddy "
                                                  "or none");
}

/* Only what is there, or was asked for. */
static int read_answers(struct init *in, const struct options *o, struct err *err)
{
    static struct preseed preseed;
    const char *path = o->preseed != NULL ? o->preseed : PRESEED_PATH;

    if (o->preseed == NULL && !file_exists(path))
        return 0;
    if (file_exists(INIT_DONE_PATH)) {
        (void)err_set(err, ERR_CONFLICT, "box_there",
                      "the box is made already, and %s answers for a new one: nothing was done",
                      path);
        return err_hint(err, "sett setting set changes what is set; take the file away");
    }
    if (preseed_read(&preseed, path, stderr, err) == -1)
        return -1;
    preseed_forget(&preseed); /* the setup reads them for itself */
    in->preseed = &preseed;
    return 0;
}

static int check_place(const struct cli *cli, struct err *err)
{
    if (cli->paths.root[0] != '\0') {
        (void)err_set(err, ERR_INVALID, "not_installed",
                      "sett init is for an installed sett, not for a folder");
        return err_hint(err, "sett --root %s setup", cli->root);
    }
    if (geteuid() == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "sett init starts units and makes keys");
    return err_hint(err, "run it as root: sudo sett init");
}

/* ---- the end ---- */

static void say(FILE *out, const struct init *in, const char *password)
{
    struct greeting_addresses a;

    greeting_addresses(&a);
    fprintf(out, "\n%s\n", in->restored ? "The box is restored." : "The box is ready.");
    for (unsigned i = 0; i < a.count; i++)
        fprintf(out, "  %s https://%s/admin\n", i == 0 ? "address: " : "         ", a.at[i]);
    if (a.count == 0)
        fprintf(out, "  address:  https://localhost/admin (no network gave another)\n");
    if (password[0] != '\0')
        fprintf(out,
                "  user:     admin\n  password: %s\n"
                "            for the first time only: you choose your own then\n",
                password);
    for (unsigned i = 0; i < in->note_count; i++)
        fprintf(out, "  note:     %s\n", in->notes[i]);
    fprintf(out, "  next:     %s\n\n",
            in->restored          ? "sett restore list; sett drift list; sett restore resume"
            : password[0] == '\0' ? "sign in, and go on there; sett doctor"
                                  : "sign in: the setup page leads on, or brings a lost box back");
}

static void say_json(const struct init *in, const char *password)
{
    struct greeting_addresses a;
    struct json_out j;
    char url[96];
    struct buf b;

    greeting_addresses(&a);
    buf_init(&b, 16384);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "init");
    json_out_key_bool(&j, "restored", in->restored);
    json_out_key(&j, "urls");
    json_out_array(&j);
    for (unsigned i = 0; i < a.count; i++)
        if (str_format(url, sizeof url, "https://%s/admin", a.at[i]) == 0)
            json_out_text(&j, url);
    json_out_end_array(&j);
    json_out_key_text(&j, "user", "admin");
    json_out_key(&j, "password");
    if (password[0] == '\0')
        json_out_null(&j);
    else
        json_out_text(&j, password);
    json_out_key(&j, "notes");
    json_out_array(&j);
    for (unsigned i = 0; i < in->note_count; i++)
        json_out_text(&j, in->notes[i]);
    json_out_end_array(&j);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    if (b.data != NULL)
        sodium_memzero(b.data, b.cap);
    buf_free(&b);
}

/* What stands in the journal of the first boot can be read for months: the password goes to the
 * console alone. */
static void say_on_console(const struct init *in, FILE *console, const char *password)
{
    if (console != NULL)
        say(console, in, password);
    say(stdout, in, "");
}

/* While we are still root. */
static FILE *open_console(void)
{
    int fd = open(CONSOLE, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    FILE *console = fd == -1 ? NULL : fdopen(fd, "w");

    if (fd != -1 && console == NULL)
        (void)close(fd);
    return console;
}

/* All of it, as root. */
static int make(struct init *in, const struct options *o, struct err *err)
{
    if (check_place(in->cli, err) == -1 || read_answers(in, o, err) == -1)
        return -1;
    in->first_boot = o->first_boot;
    in->server = o->server;
    in->systemd = file_exists("/run/systemd/system");
    return init_steps(in, err);
}

/* Nobody reads a journal who sees a console. */
static int fail_on_console(FILE *console, const struct err *err)
{
    if (console != NULL) {
        fprintf(console,
                "\nThe first boot of sett came to a halt:\n  %s\n  %s\n"
                "  why: journalctl -u sett-firstboot      go on: sett init --first-boot\n\n",
                err->text, err->hint);
        (void)fclose(console);
    }
    return -1;
}

int cli_init(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct init in;
    struct options o = {.preseed = NULL};
    char password[160] = "";
    FILE *console = NULL;

    in.cli = cli;
    if (read_options(&o, argc, argv, err) == -1)
        return -1;
    if (o.check) {
        if (read_answers(&in, &o, err) == -1)
            return -1;
        printf("%s\n", in.preseed == NULL
                           ? "there is no preseed file: /etc/sett/preseed.conf, or --preseed FILE"
                           : "the preseed file is fine");
        return 0;
    }
    if (o.first_boot)
        console = open_console();
    if (make(&in, &o, err) == -1)
        return fail_on_console(console, err);
    (void)greeting_first_password(cli, password, sizeof password); /* no root any more */
    if (in.first_boot)
        say_on_console(&in, console, password);
    else if (cli->output == CLI_JSON)
        say_json(&in, password);
    else
        say(stdout, &in, password);
    if (console != NULL)
        (void)fclose(console);
    sodium_memzero(password, sizeof password);
    return 0;
}
