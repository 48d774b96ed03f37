#ifndef SETT_CLI_H
#define SETT_CLI_H
/*
 * The command line: what every command shares. A command is either a row of the operations' table
 * (sett tenant create) or one of the few below that are about the box itself (sett run).
 */
#include <stdbool.h>
#include <stdio.h>
#include "help.h"
#include "hold.h"
#include "op.h"
#include "paths.h"

enum cli_output { CLI_TABLE, CLI_JSON, CLI_PLAIN };

struct cli {
    const struct cli_command *commands; /* of this program */
    const char *root;                   /* --root or SETT_ROOT; "" for the system's box */
    struct paths paths;
    enum cli_output output;
    bool quiet, no_input, dry_run, colour;
    bool wait, no_wait;        /* neither: wait when standard output is a terminal */
    bool undo_wanted;          /* a job that ends undone has ended well */
    bool told;                 /* how the question went was shown while it was answered */
    uint32_t wait_s;           /* --timeout; 0: as long as it takes */
    const char *confirm;       /* --confirm=NAME */
    char programs[PATHS_SIZE]; /* folder of sett-front and the others */
    char share[PATHS_SIZE];    /* folder that has blueprints/ and nginx/ */
    char web[PATHS_SIZE];      /* folder of the static admin */
    struct op_box box;         /* set by cli_open */
    bool opened;
    struct hold hold; /* as long as the box is open */
};

struct cli_command {
    const char *noun, *verb; /* verb NULL: the noun alone */
    const char *help;        /* one line */
    const char *usage;       /* what stands behind the words */
    const char *example;
    int (*run)(struct cli *cli, int argc, char **argv, struct err *err); /* exit code, or -1 */
};
extern const struct help_option cli_options[];      /* command_options.c; what theirs mean */
extern const struct cli_command sett_commands[];    /* commands.c; ended by one without noun */
extern const struct cli_command send_commands[];    /* commands_send.c */
extern const struct cli_command restore_commands[]; /* commands_restore.c */

/** cli_main(argc, argv, commands): the whole of a program with this command line. Return its exit
 * code. */
int cli_main(int argc, char **argv, const struct cli_command *commands);

/** cli_elsewhere(cli, program, words, argc, argv, err): go on as ${program}, with all global
 * options: sett-send is linked with libcurl, sett-restore with libarchive, and loading those takes
 * longer than most commands of sett take in all. Does not return unless it fails: -1. */
int cli_elsewhere(struct cli *cli, const char *program, const char *const *words, int argc,
                  char **argv, struct err *err);

/** cli_open(cli, err): give up root if we have it and the box is not root's, then open store, keys
 * and configuration. ERR_NOT_FOUND with a hint when there is no box yet. Return 0 or -1. */
int cli_open(struct cli *cli, struct err *err);

/** cli_drop(cli, err): become the user whose the box is: `sett`, or the owner of the --root folder.
 * Return 0 or -1. */
int cli_drop(const struct cli *cli, struct err *err);

/** cli_find_files(cli, err): where our own programs and files lie: beside this program in a
 * checkout, else where the package puts them. Return 0 or -1. */
int cli_find_files(struct cli *cli, struct err *err);

/** cli_call(cli, call, err): an operation as this user of the machine. The caller has set op,
 * params and given. The answer is in call->out's buffer. Return 0 or -1. */
int cli_call(struct cli *cli, struct op_call *call, struct err *err);

/** cli_operation(cli, op, argc, argv, err): decode arguments, confirm, run, print, wait. Return the
 * exit code, or -1 with ${err}. */
int cli_operation(struct cli *cli, const struct op *op, int argc, char **argv, struct err *err);

/** cli_print(cli, op, json, len, err): an answer in the form that was asked for. 0 or -1. */
int cli_print(const struct cli *cli, const struct op *op, const char *json, size_t len,
              struct err *err);

/** cli_watch(cli, job_id, from, err): show the steps of a job as they happen, until it ends.
 * ${from}: journal rows not to show again. Ctrl-C ends the showing, not the job. Return the exit
 * code (0 done, 1 stuck or undone, 6 timed out, 130 interrupted) or -1. */
int cli_watch(struct cli *cli, const char *job_id, uint32_t from, struct err *err);

struct progress;

/** cli_bar(cli, job_id, bar, asked_ms): on a terminal, a few times a second (*${asked_ms}: when it
 * was asked last, 0 at first), draw how far the snapshot of this job is. */
void cli_bar(struct cli *cli, const char *job_id, struct progress *bar, int64_t *asked_ms);

/** cli_usage(cli, out, noun): the list of commands, of one noun or of all. */
void cli_usage(const struct cli *cli, FILE *out, const char *noun);

/** cli_noun(cli, noun): whether any command begins with this word. */
bool cli_noun(const struct cli *cli, const char *noun);

/** cli_help(op): an operation's help to standard output. */
void cli_help(const struct op *op);

/** cli_suggest(cli, out, size, noun, verb): the nearest known words to a mistyped command, or "".
 */
void cli_suggest(const struct cli *cli, char *out, size_t size, const char *noun, const char *verb);

/* Commands about the box itself: the runs of struct cli_command. What each takes stands in its row
 * of sett_commands. All: argv without the words of the command; return the exit code, or -1. */

/** cli_run: run.c: supervise a whole box below --root until SIGINT or SIGTERM. */
int cli_run(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_setup: setup.c: cli_setup_box, and say what was made. */
int cli_setup(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_init: init_command.c: from an installed package to a box that answers; as root. */
int cli_init(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_box_identify: box_second.c: box.identify; `second`: a copy begins anew, as root. */
int cli_box_identify(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_greeting: greeting.c: what a machine says to who stands before it. */
int cli_greeting(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_demo: demo.c, in sett-send: sell a site on a running box. */
int cli_demo(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_doctor: doctor_command.c: each check's finding and remedy; 1 if something is broken. */
int cli_doctor(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_support_bundle: bundle_command.c: what helps who is to help, into a file. */
int cli_support_bundle(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_stripe_send: send.c, in sett-send: one event, signed with the box's own secret. */
int cli_stripe_send(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_restore: restore_commands.c, in sett-restore: a snapshot's file, status, rollback, commit.
 */
int cli_restore(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_web_server_show: web_server.c: the configuration of the web server argv[0] on standard
 * output.
 */
int cli_web_server_show(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_web_server_enable: web_enable.c: put it in place, tested and loaded. */
int cli_web_server_enable(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_web_server_refresh: web_enable.c: the same again for what is enabled, if anything is. */
int cli_web_server_refresh(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_web_server_disable: web_enable.c: take it away. */
int cli_web_server_disable(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_job_watch: cli_watch.c: cli_watch for the job argv[0]. */
int cli_job_watch(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_config_show: commands.c: all settings and where each was set. */
int cli_config_show(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_proxmox_import: proxmox_import.c: token and settings from the private file argv[0]. */
int cli_proxmox_import(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_cloudflare_import: cloudflare_import.c: token and ids from the private file argv[0]. */
int cli_cloudflare_import(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_unstick: store_commands.c: remove the ballast; opens no store, so it works on a full disk.
 */
int cli_unstick(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_fsck: store_commands.c: check the store; 1 if something was found. */
int cli_fsck(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_dump: store_commands.c: the store as text to standard output. */
int cli_dump(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_audit_export: audit_commands.c: the audit as lines to standard output. */
int cli_audit_export(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_audit_check: audit_commands.c: check such lines; needs no box. */
int cli_audit_check(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_load: store_commands.c: a new store from a dump on standard input. */
int cli_load(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_migrate: migrate_command.c: bring the store to this program's version, on a copy that is
 * exchanged with it; --dry-run: only on a copy. */
int cli_migrate(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_compact: migrate_command.c: the store without the pages that it does not use any more. */
int cli_compact(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_keep: migrate_command.c: a compact copy of the store, kept beside it. */
int cli_keep(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_copies: migrate_command.c: the stores that are kept from before migrations and upgrades. */
int cli_copies(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_back: migrate_command.c: one of those in the present one's place, which is kept in turn. */
int cli_back(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_upgrade: upgrade_command.c: look, show the plan, have it led, and follow. */
int cli_upgrade(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_downgrade: upgrade_command.c: likewise, to the version that was there before. */
int cli_downgrade(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_recovery_init: recovery.c, in sett-restore: make an identity, show its secret once. */
int cli_recovery_init(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_import: snapshot_import.c, in sett-restore: a file from elsewhere into a vault. */
int cli_snapshot_import(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_box_export: box_move_commands.c, in sett-restore: all of the box into a file; it stands
 * down.
 */
int cli_box_export(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_box_import: restore_commands.c, in sett-restore: a box that stood down comes here. */
int cli_box_import(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_recovery_rotate: recovery.c, in sett-restore: the same, in the place of another one. */
int cli_recovery_rotate(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_recovery_prove: recovery.c, in sett-restore: compare a secret with what the box seals to. */
int cli_recovery_prove(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_show_file: snapshot_file.c, in sett-restore: what a file's header says. */
int cli_snapshot_show_file(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_verify: snapshot_file.c: with the recovery secret everything, else what can be. */
int cli_snapshot_verify(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_diff: snapshot_diff.c: what records and files of two snapshots do not have in
 * common. */
int cli_snapshot_diff(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_extract: snapshot_file.c: a part of a snapshot, or all, into a folder. */
int cli_snapshot_extract(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_snapshot_export: snapshot_file.c: a snapshot's files from a vault into a folder. */
int cli_snapshot_export(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_show: certificate_commands.c: what the box's web server shows, for how long. */
int cli_certificate_show(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_self_signed: certificate_commands.c: make one of the box's own. */
int cli_certificate_self_signed(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_import: certificate_commands.c: take one from a file, or from certbot's folder.
 */
int cli_certificate_import(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_letsencrypt: certificate_certbot.c: have certbot fetch one. */
int cli_certificate_letsencrypt(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_renew: certificate_renew.c: what a timer asks each day. */
int cli_certificate_renew(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_certificate_token: certificate_renew.c: the Cloudflare token, for certbot's file. */
int cli_certificate_token(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_nesting_show: nesting_commands.c: whether the units do without nesting; 1 if they do. */
int cli_nesting_show(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_nesting_without: nesting_commands.c: drop-ins for a container without nesting. */
int cli_nesting_without(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_nesting_with: nesting_commands.c: the way back. */
int cli_nesting_with(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_firewall_show: firewall_commands.c: the rules that are in place; 1 if there are none. */
int cli_firewall_show(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_firewall_enable: firewall_commands.c: only ssh, http and https come in from now on. */
int cli_firewall_enable(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_firewall_disable: firewall_commands.c: our table of rules goes. */
int cli_firewall_disable(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_completion: manual_command.c: a completion script for the shell argv[0]; for such a script,
 * "names NOUN BEGINNING". */
int cli_completion(struct cli *cli, int argc, char **argv, struct err *err);

/** cli_manual: manual_command.c: sett(1) to standard output, or all such pages into a folder. */
int cli_manual(struct cli *cli, int argc, char **argv, struct err *err);

struct preseed;

/** cli_setup_box(cli, port, preseed, err): make the box if it is not there: folders, keys, store,
 * first admin, webhook secret; below --root also the plan `demo`. ${preseed}: what was answered
 * beforehand, or NULL. On an installed box the first password has to be changed at once. Return 1
 * if it was made, 0 if it was there, -1. */
int cli_setup_box(struct cli *cli, uint32_t port, const struct preseed *preseed, struct err *err);

/** cli_setup_demo(cli, err): a demonstration's box counts as set up. Return 0 or -1. */
int cli_setup_demo(struct cli *cli, struct err *err);

/** cli_move_box(cli, port, err): the box below --root, of which nothing runs, is to answer on
 * ${port} from now on: its sett.conf, where nobody changed the port by hand, and its tenants'
 * addresses follow. After cli_setup_box. Return 0 or -1. */
int cli_move_box(struct cli *cli, uint32_t port, struct err *err);

#endif
