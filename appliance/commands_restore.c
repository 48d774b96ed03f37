/* The commands of sett-restore: those about snapshots' files, and so linked with libarchive. */
#include "cli.h"

const struct cli_command restore_commands[] = {
    {"restore", NULL, "Bring the box, or one tenant, back from a snapshot's file",
     "FILE [--recovery-file F] [--share TEXT]... [--passphrase-file F] [--signer KEY]\n"
     "         [--base FILE]... [--onto-empty] [--auto-resume]\n"
     "         [--tenant ID [--as NAME] | --customer ID]\n"
     "       sett restore status | rollback | commit [--tenant ID] | list | show | resume",
     "/var/backups/sett/sett-box-00000042-20261126T030000Z.sett --recovery-file kit.txt",
     cli_restore},
    {"box", "export", "Put all of the box into one file, and stand down here",
     "FILE --confirm=export [--to VAULT]", "/mnt/box.sett --confirm=export", cli_box_export},
    {"box", "import", "Make this machine the one where an exported box lives",
     "FILE [--recovery-file F] [--share TEXT]... [--passphrase-file F] [--signer KEY]\n"
     "         [--old-box-is-off]",
     "/mnt/box.sett --recovery-file kit.txt", cli_box_import},
    {"recovery", "init", "Make a recovery key: its secret is shown once and kept by you alone",
     "[--name N] [--shares 3-of-5] [--secret-file FILE] [--passphrase-file FILE]\n"
     "         [--no-quiz]",
     "--shares 3-of-5", cli_recovery_init},
    {"recovery", "rotate", "Put a new recovery key in the place of one, once it is proven",
     "[--name N] [--shares 3-of-5] [--secret-file FILE] [--passphrase-file FILE]", "",
     cli_recovery_rotate},
    {"recovery", "prove", "Show that you have a recovery secret, by typing it in",
     "[--recovery-file FILE]", "", cli_recovery_prove},
    {"snapshot", "show", "Show a snapshot and where it is, or what the header of a file says",
     "ID|FILE [--signer KEY]", "1", cli_snapshot_show_file},
    {"snapshot", "verify",
     "Check a snapshot: signature, order, completeness; with the recovery secret everything",
     "ID|FILE [--recovery-file FILE | --passphrase-file FILE] [--signer KEY]",
     "1 --recovery-file secret", cli_snapshot_verify},
    {"snapshot", "diff",
     "Tell what differs between two snapshots: records by table and name, files with sizes",
     "ID|FILE ID|FILE --recovery-file FILE", "1 2 --recovery-file secret", cli_snapshot_diff},
    {"snapshot", "extract", "Take files out of a snapshot into a folder",
     "ID|FILE [PATH] --recovery-file FILE [--out FOLDER]",
     "1 tenants/3/data --recovery-file secret --out back", cli_snapshot_extract},
    {"snapshot", "import", "Bring a snapshot's file from elsewhere into a vault, checked",
     "FILE --to VAULT [--signer KEY]", "/mnt/box.sett --to local", cli_snapshot_import},
    {"snapshot", "export",
     "Fetch a snapshot, and all that it builds on, from a vault into a folder", "ID FOLDER",
     "1 /mnt/stick", cli_snapshot_export},
    {0},
};
