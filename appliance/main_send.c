/*
 * sett-send: the two commands of sett that speak HTTP. A program of its own because loading libcurl
 * and all that it needs takes longer than most commands of sett take in all.
 */
#include "cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv, send_commands);
}
