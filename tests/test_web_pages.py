#!/usr/bin/env python3
"""Every page of the web admin through a real nginx in a real browser: three languages, two themes, two widths, with
axe. Pictures of all are written to build/pictures. Speaks TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts"))
from box import TOP
from browser import Site

site = Site(new=True)
try:
    site.box.sett("plan", "create", "--name", "small", "--title", "Small", "--blueprint", "site", "--offered", "true")
    site.box.sett("tenant", "create", "--name", "Acme", "--subdomain", "acme", "--plan", "small", "--wait")
    tenant = site.box.json("tenant", "show", "acme")
    more = [f"/admin/tenants/{tenant['id']}", f"/admin/jobs/{tenant['job_id']}", f"/admin/tunnels/{tenant['tunnel_id']}"]
    code = site.run("pages", seconds=600, more=more, **({"paths": os.environ["PAGES"].split()} if os.environ.get("PAGES") else {}), shots=os.path.join(TOP, "build", "pictures"))
finally:
    site.close()
sys.exit(code)
