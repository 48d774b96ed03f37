/*
 * A host's keys, by ssh-keyscan. Apart from the link because nothing is believed here: what is seen
 * is compared with what somebody has said, or shown to be said.
 */
#include "ssh_scan.h"

#include <stdlib.h>
#include <string.h>

#include "process_launch.h"
#include "str.h"

#define SCAN_S    15
#define SCAN_MAX  16384
#define KEYSCAN   "/usr/bin/ssh-keyscan"
#define ONE_AFTER "5"

/* "host TYPE BASE64" */
static void take_line(struct ssh_scan *out, const char *line)
{
    const char *key = strchr(line, ' ');

    if (line[0] == '#' || key == NULL || out->count == SSH_SCAN_KEYS ||
        str_copy(out->lines[out->count], SSH_KEY_LINE_SIZE, key + 1) == -1 ||
        ssh_key_print(out->prints[out->count], key + 1) == -1)
        return;
    out->count++;
}

int ssh_scan(struct ssh_scan *out, const char *host, uint32_t port, struct err *err)
{
    char number[8], *save = NULL;
    const char *const argv[] = {KEYSCAN, "-T",   ONE_AFTER, "-t", "ed25519,ecdsa,rsa",
                                "-p",    number, host,      NULL};
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct buf said;
    int code, rc = -1;

    memset(out, 0, sizeof *out);
    buf_init(&said, SCAN_MAX);
    (void)str_format(number, sizeof number, "%u", port);
    if (plan == NULL || host[0] == '-' || str_copy(plan->name, sizeof plan->name, "scan") == -1 ||
        process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1) {
        (void)err_set(err, ERR_INTERNAL, "memory", "no memory to ask a host for its keys");
    } else if (process_run(plan, SCAN_S, &said, &code, err) == 0) {
        if (said.len > 0 && buf_byte(&said, '\0') == 0)
            for (char *at = strtok_r(said.data, "\n", &save); at != NULL;
                 at = strtok_r(NULL, "\n", &save))
                take_line(out, at);
        if (out->count > 0)
            rc = 0;
        else
            (void)err_set(err, ERR_NETWORK, "host_silent",
                          "nothing that speaks SSH answers at %.150s, port %u", host, port);
    }
    buf_free(&said);
    free(plan);
    if (rc == -1 && err->kind == ERR_NETWORK)
        (void)err_hint(err, "is the machine on, is that its address, and may this box reach it?");
    return rc;
}

const char *ssh_scan_find(const struct ssh_scan *scan, const char *wanted)
{
    char print[SSH_KEY_PRINT_SIZE];

    if (str_copy(print, sizeof print, wanted) == -1 || !str_starts(print, "SHA256:"))
        if (ssh_key_print(print, wanted) == -1)
            return NULL;
    for (unsigned i = 0; i < scan->count; i++)
        if (str_equal(scan->prints[i], print))
            return scan->lines[i];
    return NULL;
}
