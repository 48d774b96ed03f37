/* The commands of sett-send: those that open connections, and so are linked with libcurl. */
#include "cli.h"

const struct cli_command send_commands[] = {
    {"demo", NULL, "Sell a site to a customer \"Acme\" before your eyes, on a running box",
     "[--port N]", "--root run", cli_demo},
    {"stripe", "send", "Send a locally signed test event through the box's own web server",
     "TYPE|FILE [OPTIONS]", "checkout.session.completed --name Acme --plan demo", cli_stripe_send},
    {0},
};
