/*
 * sett-forward: leads a port of 127.0.0.1 to a tenant's own address, for the lxc runtime. Started
 * by the hands as a user with no rights; it knows two addresses and nothing of the box.
 */
#include <signal.h>
#include <stdio.h>

#include "forward.h"
#include "str.h"

#define TAKEN 98 /* the exit status when somebody else has the port; runtime_lxc.c knows it */

int main(int argc, char **argv)
{
    struct forward_setup setup;
    uint64_t port, to_port;
    struct err err = {0};

    if (argc != 4 || str_u64(argv[1], 1, 65535, &port) == -1 ||
        str_u64(argv[3], 1, 65535, &to_port) == -1) {
        (void)fputs("usage: sett-forward PORT ADDRESS PORT\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    setup = (struct forward_setup){(uint32_t)port, argv[2], (uint32_t)to_port};
    (void)forward_run(&setup, &err);
    (void)fprintf(stderr, "%s\n", err.text);
    return err.kind == ERR_CONFLICT ? TAKEN : 1;
}
