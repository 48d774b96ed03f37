/* The commands of sett that are not operations: they are about the box itself, or show what happens
 * on it. */
#include "cli.h"

#include <string.h>

#include "str.h"

int cli_config_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_operation(cli, op_find("setting.list"), argc, argv, err);
}

static int demo_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-send", (const char *const[]){"demo", NULL}, argc, argv, err);
}

static int send_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-send", (const char *const[]){"stripe", "send", NULL}, argc,
                         argv, err);
}

/* "commit" and "rollback" without the id of a restore mean the box's own, or --tenant's by hand. */
static bool of_box(int argc, char **argv)
{
    if (!str_equal(argv[0], "commit") && !str_equal(argv[0], "rollback"))
        return false;
    return argc < 2 || argv[1][0] == '-';
}

/* "sett restore list" is an operation; all else is about a file, or the trees that a restore
 * leaves. */
static int restore_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    const struct op *op;
    char name[64];

    if (argc > 0 && !of_box(argc, argv) &&
        str_format(name, sizeof name, "restore.%s", argv[0]) == 0 && (op = op_find(name)) != NULL)
        return cli_operation(cli, op, argc - 1, argv + 1, err);
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"restore", NULL}, argc, argv,
                         err);
}

static int box_export_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"box", "export", NULL}, argc,
                         argv, err);
}

static int box_import_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"box", "import", NULL}, argc,
                         argv, err);
}

static int recovery_init_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"recovery", "init", NULL}, argc,
                         argv, err);
}

static int recovery_rotate_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"recovery", "rotate", NULL},
                         argc, argv, err);
}

static int recovery_prove_elsewhere(struct cli *cli, int argc, char **argv, struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"recovery", "prove", NULL},
                         argc, argv, err);
}

static int snapshot_elsewhere(struct cli *cli, const char *verb, int argc, char **argv,
                              struct err *err)
{
    return cli_elsewhere(cli, "sett-restore", (const char *const[]){"snapshot", verb, NULL}, argc,
                         argv, err);
}

/* A record of the box, or a file that needs none. */
static int snapshot_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (argc > 0 && strchr(argv[0], '/') == NULL && !str_ends(argv[0], ".sett"))
        return cli_operation(cli, op_find("snapshot.show"), argc, argv, err);
    return snapshot_elsewhere(cli, "show", argc, argv, err);
}

static int snapshot_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
    return snapshot_elsewhere(cli, "verify", argc, argv, err);
}

static int snapshot_diff(struct cli *cli, int argc, char **argv, struct err *err)
{
    return snapshot_elsewhere(cli, "diff", argc, argv, err);
}

static int snapshot_extract(struct cli *cli, int argc, char **argv, struct err *err)
{
    return snapshot_elsewhere(cli, "extract", argc, argv, err);
}

static int snapshot_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    return snapshot_elsewhere(cli, "import", argc, argv, err);
}

static int snapshot_export(struct cli *cli, int argc, char **argv, struct err *err)
{
    return snapshot_elsewhere(cli, "export", argc, argv, err);
}

const struct cli_command sett_commands[] = {
    {"run", NULL, "Run a whole box below a folder: programs, web server, Ctrl-C stops it",
     "[--port N] [--demo]", "--root run --port 4443 --demo", cli_run},
    {"setup", NULL,
     "Make a box: folders, keys, store, first admin; finishes one that was cut short",
     "[--port N] [--preseed FILE]", "--root run", cli_setup},
    {"init", NULL,
     "Make a box of this machine, where sett is installed: keys, certificate, web server, units",
     "[--web-server nginx|apache2|lighttpd|caddy|none] [--preseed FILE [--check]] [--first-boot]",
     "", cli_init},
    {"greeting", NULL, "Say where the box is reached, and what it waits for", "[--issue]", "",
     cli_greeting},
    {"demo", NULL, "Sell a site to a customer \"Acme\" before your eyes, on a running box",
     "[--port N]", "--root run", demo_elsewhere},
    {"doctor", NULL, "Look for what is wrong with this box, with the remedy of each", "", "--json",
     cli_doctor},
    {"support-bundle", NULL,
     "Write what somebody who is to help needs to know: findings, versions, logs, no secrets",
     "[FILE]", "/tmp/bundle.tar", cli_support_bundle},
    {"upgrade", NULL,
     "Put a newer version in the place of this one: rehearsed, watched, and taken back if unwell",
     "[--check] [--package FILE | --to VERSION] [--watch SECONDS] [--dry-run] [--yes]\n"
     "       sett upgrade --status | --resume",
     "--check", cli_upgrade},
    {"downgrade", NULL,
     "Go back to the version that was there before, with its store where that is needed",
     "[--package FILE] [--dry-run] [--confirm=VERSION]", "--dry-run", cli_downgrade},
    {"fsck", NULL, "Check every value, index, reference and the audit chain of the store", "", "",
     cli_fsck},
    {"unstick", NULL, "Throw the ballast overboard: room on a full disk, to delete what must go",
     "", "", cli_unstick},
    {"config", "show", "Show every setting, its value and where it was set", "", "--json",
     cli_config_show},
    {"web-server", "show", "Write the configuration of a web server for this box",
     "nginx|apache2|lighttpd|caddy [--listen ADDRESSES] [--http-port N] [--https-port N]\n"
     "         [--tls true|false] [--default-server true|false] [--web FOLDER] [--pages]",
     "apache2 --tls false", cli_web_server_show},
    {"web-server", "enable", "Put it where the web server wants it, have it tested, load it",
     "nginx|apache2|lighttpd|caddy [OPTIONS as of show, kept as settings]",
     "nginx --default-server true", cli_web_server_enable},
    {"web-server", "refresh", "Do so once more for the one that is enabled, after an upgrade", "",
     "", cli_web_server_refresh},
    {"web-server", "disable", "Take it away again", "nginx|apache2|lighttpd|caddy", "nginx",
     cli_web_server_disable},
    {"job", "watch", "Show the steps of a job as they happen", "ID",
     "job_01hw3v7q2cfz8e5m1x9k4n6d7p", cli_job_watch},
    {"stripe", "send", "Send a locally signed test event through the box's own web server",
     "TYPE|FILE [--name N] [--email E] [--plan P] [--subdomain S] [--customer ID]\n"
     "         [--subscription ID] [--price P] [--order ID] [--status S] [--at SECONDS]\n"
     "         [--id EVT] [--url URL]",
     "checkout.session.completed --name Acme --plan demo", send_elsewhere},
    {"restore", NULL, "Bring the box, or one tenant, back from a snapshot's file",
     "FILE [--recovery-file F] [--share TEXT]... [--passphrase-file F] [--signer KEY]\n"
     "         [--base FILE]... [--onto-empty] [--auto-resume]\n"
     "       sett restore --vault ADDRESS [FILE|NUMBER] [--access-key ID] [--secret-file F]\n"
     "         [--region R] [--host-key K] --recovery-file F …\n"
     "         [--tenant ID [--as NAME] | --customer ID]\n"
     "       sett restore status | rollback | commit [--tenant ID] | list | show | resume",
     "/var/backups/sett/sett-box-00000042-20261126T030000Z.sett --recovery-file kit.txt",
     restore_elsewhere},
    {"cloudflare", "import",
     "Take CF_API_TOKEN, ACCOUNT_ID, ZONE_ID and DOMAIN from a private file", "FILE",
     "~/cloudflare.env", cli_cloudflare_import},
    {"proxmox", "import", "Take a token and settings from the private file that token.sh wrote",
     "FILE", "~/proxmox.conf", cli_proxmox_import},
    {"box", "export", "Put all of the box into one file, and stand down here",
     "FILE --confirm=export [--to VAULT]", "/mnt/box.sett --confirm=export", box_export_elsewhere},
    {"box", "import", "Make this machine the one where an exported box lives",
     "FILE [--recovery-file F] [--share TEXT]... [--passphrase-file F] [--signer KEY]\n"
     "         [--old-box-is-off]",
     "/mnt/box.sett --recovery-file kit.txt", box_import_elsewhere},
    {"box", "identify", "Say what a box is that finds itself on a machine it does not know",
     "moved | second --confirm=NAME", "moved", cli_box_identify},
    {"recovery", "init", "Make a recovery key: its secret is shown once and kept by you alone",
     "[--name N] [--shares 3-of-5] [--secret-file FILE] [--passphrase-file FILE]\n"
     "         [--no-quiz]",
     "--shares 3-of-5", recovery_init_elsewhere},
    {"recovery", "rotate", "Put a new recovery key in the place of one, once it is proven",
     "[--name N] [--shares 3-of-5] [--secret-file FILE] [--passphrase-file FILE]", "",
     recovery_rotate_elsewhere},
    {"recovery", "prove", "Show that you have a recovery secret, by typing it in",
     "[--recovery-file FILE]", "", recovery_prove_elsewhere},
    {"snapshot", "show", "Show a snapshot and where it is, or what the header of a file says",
     "ID|FILE [--signer KEY]", "1", snapshot_show},
    {"snapshot", "verify",
     "Check a snapshot: signature, order, completeness; with the recovery secret everything",
     "ID|FILE [--recovery-file FILE | --passphrase-file FILE] [--signer KEY]",
     "1 --recovery-file secret", snapshot_verify},
    {"snapshot", "diff",
     "Tell what differs between two snapshots: records by table and name, files with sizes",
     "ID|FILE ID|FILE --recovery-file FILE", "1 2 --recovery-file secret", snapshot_diff},
    {"snapshot", "extract", "Take files out of a snapshot into a folder",
     "ID|FILE [PATH] --recovery-file FILE [--out FOLDER]",
     "1 tenants/3/data --recovery-file secret --out back", snapshot_extract},
    {"snapshot", "import", "Bring a snapshot's file from elsewhere into a vault, checked",
     "FILE --to VAULT [--signer KEY]", "/mnt/box.sett --to local", snapshot_import},
    {"snapshot", "export",
     "Fetch a snapshot, and all that it builds on, from a vault into a folder", "ID FOLDER",
     "1 /mnt/stick", snapshot_export},
    {"certificate", "show", "Show what the box's web server shows: names, issuer, until when", "",
     "", cli_certificate_show},
    {"certificate", "self-signed",
     "Make a certificate of the box's own, for its names and addresses, and put it in place",
     "[--name HOST]... [--days N] [--if-missing]", "--name box.lan", cli_certificate_self_signed},
    {"certificate", "import",
     "Put a certificate and its key in place once they are proven: Cloudflare's origin, or any",
     "FILE|- [--key FILE|-] [--any-name] [--dry-run]\n"
     "       sett certificate import --lineage FOLDER   (of certbot)",
     "origin.pem --key origin.key", cli_certificate_import},
    {"certificate", "letsencrypt",
     "Have certbot fetch a certificate and renew it, proven over HTTP or by Cloudflare's DNS",
     "--agree-tos [--email E] [--name HOST]... [--dns cloudflare [--token-file FILE|-]]\n"
     "         [--propagation SECONDS] [--server URL | --staging]",
     "--agree-tos --email admin@example.com", cli_certificate_letsencrypt},
    {"certificate", "renew", "Do what is due for the certificate: what the timer asks each day",
     "[--force]", "", cli_certificate_renew},
    {"certificate", "token", "Write the box's Cloudflare token to a pipe, for certbot's own file",
     "", "| wc -c", cli_certificate_token},
    {"firewall", "show", "Show sett's rules for what may come in to this machine, with counters",
     "", "", cli_firewall_show},
    {"firewall", "enable", "Let in ssh, http, https and ping, and nothing else; --dry-run tells",
     "[--dry-run]", "--dry-run", cli_firewall_enable},
    {"firewall", "disable", "Take sett's own rules away; others' stay", "", "",
     cli_firewall_disable},
    {"nesting", "show",
     "Show whether the units stand as in a container without nesting; exit 1 if so", "", "",
     cli_nesting_show},
    {"nesting", "without", "Let the units run in a container without nesting, with fewer walls", "",
     "", cli_nesting_without},
    {"nesting", "with", "Put all walls around the units again", "", "", cli_nesting_with},
    {"audit", "export", "Write the audit as lines, with the chain's hashes to check it elsewhere",
     "[--format ndjson|csv] [--from TIME] [--until TIME]", "--format csv > audit.csv",
     cli_audit_export},
    {"audit", "check", "Check lines that were exported: nothing edited, taken out or put in",
     "FILE", "audit.ndjson", cli_audit_check},
    {"db", "dump", "Write the whole store as text, to be read or loaded", "", "> box.txt",
     cli_dump},
    {"db", "load", "Make a new store from a dump", "", "< box.txt", cli_load},
    {"db", "migrate",
     "Bring the store to this version: on a copy, checked, which then takes its place",
     "[--dry-run] [--from VERSION]", "--dry-run", cli_migrate},
    {"db", "compact", "Make the store's file small again: on a copy, which then takes its place",
     "", "", cli_compact},
    {"db", "keep", "Keep a compact copy of the store beside it; the last three are kept", "", "",
     cli_keep},
    {"db", "copies", "List the stores that are kept from before migrations and upgrades", "", "",
     cli_copies},
    {"db", "back", "Put a store that is kept in the place of the present one; what came since goes",
     "[NAME]", "db.before-20261126T184600Z", cli_back},
    {"completion", NULL, "Write a completion script for bash, zsh or fish", "bash|zsh|fish",
     "bash > /etc/bash_completion.d/sett", cli_completion},
    {"manual", NULL, "Write the manual page sett(1), or all pages that tables tell into a folder",
     "[FOLDER]", "| man -l -", cli_manual},
    {0},
};
