/*
 * `sett firewall`: the rules of nftables/sett.nft, switched on and off. Apart from the hands' own
 * rules (core/drivers/firewall.c), which keep tenants apart and are nobody's choice. Nothing here
 * runs unasked, and none of it closes the door through which it was typed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"

#define NFT        "/usr/sbin/nft"
#define SSHD       "/usr/sbin/sshd"
#define SYSTEMCTL  "/usr/bin/systemctl"
#define UNIT       "sett-firewall.service"
#define FOLDER     "/etc/sett/firewall.d"
#define COMMAND_S  30
#define PORTS_MOST 64
#define TEXT_MAX   (256u << 10)

struct ports {
    unsigned at[PORTS_MOST], count;
};

static bool has(const struct ports *p, unsigned port)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->at[i] == port)
            return true;
    return false;
}

static void add(struct ports *p, uint64_t port)
{
    if (port > 0 && port < 65536 && p->count < PORTS_MOST && !has(p, (unsigned)port))
        p->at[p->count++] = (unsigned)port;
}

/* A command's output and code. -1 only when it could not be run. */
static int run(const char *const *words, struct buf *out, int *code, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    int rc = 0;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for %s", words[0]);
    (void)str_copy(plan->name, sizeof plan->name, "firewall");
    plan->inherit = true;
    for (size_t i = 0; words[i] != NULL; i++)
        rc |= process_plan_arg(plan, words[i]);
    rc = rc != 0 ? err_set(err, ERR_INVALID, "arguments", "%s: too long", words[0])
                 : process_run(plan, COMMAND_S, out, code, err);
    free(plan);
    return rc;
}

/* One that has to succeed. */
static int must(const char *const *words, struct err *err)
{
    struct buf out;
    int code = 0, rc;

    buf_init(&out, 4096);
    rc = run(words, &out, &code, err);
    if (rc == 0 && code != 0)
        rc = err_set(err, ERR_UNAVAILABLE, "firewall", "%s: %.300s", words[0],
                     out.len == 0 ? "failed" : str_trim(out.data));
    buf_free(&out);
    return rc;
}

/* "port 2222" of sshd -T, "[::]:2222 (Stream)" of its socket, "10.0.0.1 50000 10.0.0.2 22". */
static void ports_in(struct ports *p, const char *text, const char *before)
{
    uint64_t port;
    char number[8];

    for (const char *at = text; (at = strstr(at, before)) != NULL;) {
        size_t len;
        at += strlen(before);
        len = strspn(at, "0123456789");
        if (len > 0 && str_copy_n(number, sizeof number, at, len) == 0 &&
            str_u64(number, 1, 65535, &port) == 0)
            add(p, port);
    }
}

/* Where ssh is let in: what sshd says, what systemd listens on for it, and how this very session
 * came. */
static void ssh_ports(struct ports *p)
{
    const char *session = getenv("SSH_CONNECTION"), *last;
    struct buf out;
    struct err ignored;
    int code = 0;

    buf_init(&out, TEXT_MAX);
    if (access(SSHD, X_OK) == 0 &&
        run((const char *const[]){SSHD, "-T", NULL}, &out, &code, &ignored) == 0)
        ports_in(p, buf_string(&out), "\nport ");
    if (str_starts(buf_string(&out), "port "))
        ports_in(p, buf_string(&out), "port ");
    buf_reset(&out);
    if (file_exists("/run/systemd/system") &&
        run((const char *const[]){SYSTEMCTL, "show", "-P", "Listen", "ssh.socket", "sshd.socket",
                                  NULL},
            &out, &code, &ignored) == 0)
        ports_in(p, buf_string(&out), ":");
    buf_free(&out);
    if (session != NULL && (last = strrchr(session, ' ')) != NULL)
        ports_in(p, last, " ");
}

/* Ports of /proc/net/tcp and tcp6 that listen for anybody: neither on loopback nor in the table. */
static void listening(struct ports *p)
{
    static const char *const files[] = {"/proc/self/net/tcp", "/proc/self/net/tcp6"};
    struct err ignored;
    struct buf b;

    for (size_t i = 0; i < 2; i++) {
        buf_init(&b, 8u << 20);
        if (file_read(files[i], &b, &ignored) == 0)
            for (const char *line = strchr(buf_string(&b), '\n'); line != NULL;
                 line = strchr(line + 1, '\n')) {
                char address[40], state[4];
                unsigned port;
                /* Lines of the kernel's. NOLINTNEXTLINE(cert-err34-c) */
                if (sscanf(line, " %*u: %32[0-9A-F]:%4X %*[0-9A-F:] %2s", address, &port, state) !=
                        3 ||
                    !str_equal(state, "0A"))
                    continue;
                if (!str_ends(address, "0100007F") &&
                    !str_equal(address, "00000000000000000000000001000000"))
                    add(p, port);
            }
        buf_free(&b);
    }
}

static bool active(void)
{
    struct buf out;
    struct err ignored;
    int code = 1;

    buf_init(&out, TEXT_MAX);
    if (run((const char *const[]){NFT, "list", "table", "inet", "sett", NULL}, &out, &code,
            &ignored) == -1)
        code = 1;
    buf_free(&out);
    return code == 0;
}

static int check(struct err *err)
{
    if (access(NFT, X_OK) == -1) {
        (void)err_set(err, ERR_NOT_FOUND, "nft_missing", "%s is not installed", NFT);
        return err_hint(err, "apt install nftables");
    }
    if (geteuid() == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "the machine's firewall is root's");
    return err_hint(err, "try it as root: sudo sett firewall …");
}

/* The file of rules: the shipped one; for a box below a folder a copy that looks there for more. */
static int rules_path(const struct cli *cli, char *out, size_t size, struct err *err)
{
    char from[PATHS_SIZE + 32], line[PATHS_SIZE + 64];
    const char *at;
    struct buf in, text;
    int rc = -1;

    (void)str_format(from, sizeof from, "%s/nftables/sett.nft", cli->share);
    if (cli->paths.root[0] == '\0')
        return str_copy(out, size, from);
    if (str_format(out, size, "%s/firewall.nft", cli->paths.run) == -1 ||
        str_format(line, sizeof line, "include \"%s" FOLDER, cli->paths.root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.root);
    buf_init(&in, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    if (file_read(from, &in, err) == 0) {
        at = buf_string(&in);
        for (const char *here; (here = strstr(at, "include \"" FOLDER)) != NULL;
             at = here + strlen("include \"" FOLDER)) {
            (void)buf_add(&text, at, (size_t)(here - at));
            (void)buf_text(&text, line);
        }
        (void)buf_text(&text, at);
        if (file_mkdirs(cli->paths.run, 0755, err) == 0)
            rc = file_write_soon(out, text.data, text.len, 0644, err);
    }
    buf_free(&in);
    buf_free(&text);
    return rc;
}

/* A door for an sshd that listens elsewhere than on 22; none that was made before is taken away. */
static int ssh_write(const struct cli *cli, const struct ports *ssh, struct err *err)
{
    char folder[PATHS_SIZE + 32], path[PATHS_SIZE + 64];
    struct buf b;
    bool other = false;
    int rc = 0;

    (void)str_format(folder, sizeof folder, "%s" FOLDER, cli->paths.root);
    (void)str_format(path, sizeof path, "%s/ssh.nft", folder);
    buf_init(&b, 4096);
    (void)buf_text(&b, "# Made by sett firewall enable: where sshd was found to listen.\n"
                       "tcp dport { 22");
    for (unsigned i = 0; i < ssh->count; i++)
        if (ssh->at[i] != 22) {
            (void)buf_format(&b, ", %u", ssh->at[i]);
            other = true;
        }
    (void)buf_text(&b, " } accept\n");
    if (other &&
        (file_mkdirs(folder, 0755, err) == -1 || file_write(path, b.data, b.len, 0644, err) == -1))
        rc = -1;
    buf_free(&b);
    return rc;
}

static void say_ports(const char *what, const struct ports *p, const struct ports *but)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->count; i++)
        if (but == NULL || !has(but, p->at[i]))
            printf("%s%u", n++ == 0 ? what : ", ", p->at[i]);
    if (n > 0)
        printf("\n");
}

int cli_firewall_enable(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct ports open = {{0}, 0}, ssh = {{0}, 0}, now = {{0}, 0};
    char rules[PATHS_SIZE + 64];
    bool unit = cli->paths.root[0] == '\0' && file_exists("/run/systemd/system");

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett firewall enable takes no arguments");
    if (check(err) == -1)
        return -1;
    ssh_ports(&ssh);
    open = ssh;
    add(&open, 22);
    add(&open, 80);
    add(&open, 443);
    listening(&now);
    say_ports("open:   ", &open, NULL);
    say_ports("closed: ", &now, &open);
    if (cli->dry_run)
        return 0;
    if (rules_path(cli, rules, sizeof rules, err) == -1 || ssh_write(cli, &ssh, err) == -1 ||
        must((const char *const[]){NFT, "-c", "-f", rules, NULL}, err) == -1)
        return -1;
    if (unit ? must((const char *const[]){SYSTEMCTL, "enable", UNIT, NULL}, err) == -1 ||
                   must((const char *const[]){SYSTEMCTL, "restart", UNIT, NULL}, err) == -1
             : must((const char *const[]){NFT, "-f", rules, NULL}, err) == -1)
        return -1;
    if (!active())
        return err_set(err, ERR_INTERNAL, "firewall", "the rules are not in place");
    printf("The firewall is on%s.\n", unit ? ", and will be after a boot" : " until the next boot");
    return 0;
}

int cli_firewall_disable(struct cli *cli, int argc, char **argv, struct err *err)
{
    bool unit = cli->paths.root[0] == '\0' && file_exists("/run/systemd/system");

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett firewall disable takes no arguments");
    if (check(err) == -1)
        return -1;
    if (unit && must((const char *const[]){SYSTEMCTL, "disable", "--now", UNIT, NULL}, err) == -1)
        return -1;
    if (active() &&
        must((const char *const[]){NFT, "delete", "table", "inet", "sett", NULL}, err) == -1)
        return -1;
    printf("The firewall is off.\n");
    return 0;
}

int cli_firewall_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct buf out;
    int code = 0;

    (void)argv;
    (void)cli;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett firewall show takes no arguments");
    if (check(err) == -1)
        return -1;
    buf_init(&out, TEXT_MAX);
    if (run((const char *const[]){NFT, "list", "table", "inet", "sett", NULL}, &out, &code, err) ==
        -1) {
        buf_free(&out);
        return -1;
    }
    if (code == 0)
        printf("%s", buf_string(&out));
    else
        printf("The firewall is off: sett firewall enable\n");
    buf_free(&out);
    return code == 0 ? 0 : 1;
}
