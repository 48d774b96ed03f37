/* `sett doctor`: the findings, printed. It asks nobody: it is for when nobody answers. */
#include "cli.h"
#include "doctor.h"

int cli_doctor(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct doctor_finding findings[DOCTOR_MOST];
    unsigned count;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett doctor takes no arguments");
    if (cli_open(cli, err) == -1)
        return -1;
    count = doctor_look(&cli->box, findings);
    if (cli->output == CLI_JSON) {
        struct json_out j;
        struct buf b;
        buf_init(&b, 65536);
        json_out_init(&j, &b);
        doctor_json(findings, count, &j);
        printf("%s\n", buf_string(&b));
        buf_free(&b);
    }
    for (unsigned i = 0; i < count && cli->output != CLI_JSON; i++) {
        const struct doctor_finding *f = &findings[i];
        printf("%-8s %-11s %s\n", doctor_finding_names[f->finding], f->name, f->what);
        if (f->fix[0] != '\0')
            printf("%21s-> %s\n", "", f->fix);
    }
    return doctor_fine(findings, count) ? 0 : 1;
}
