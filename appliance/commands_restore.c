/* The commands of sett-restore: those about snapshots' files, and so linked with libarchive. */
#include "cli.h"

const struct cli_command restore_commands[] = {
    {"restore", NULL, "Bring the box, or one tenant, back from a snapshot's file",
     "FILE [--recovery-file F] [--share TEXT]... [--passphrase-file F] [--signer KEY]\n"
     "         [--base FILE]... [--onto-empty] [--auto-resume] [--tenant ID]\n"
     "       sett restore status | rollback | commit | list | show | resume",
     "/var/backups/sett/sett-box-00000042-20261126T030000Z.sett --recovery-file kit.txt",
     cli_restore},
    {0},
};
