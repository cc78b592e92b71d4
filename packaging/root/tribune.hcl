# Configuration of the Tribune agent; HCL or JSON, as Consul reads it. All .hcl and .json files of this directory are read in
# the order of their names. Check a change with
#     tribune validate /etc/tribune.d
# and apply it with `systemctl reload tribune` (services, checks, watches, log level, ...) or a restart (the rest).
#
# As shipped: one server that keeps its data and speaks to this machine alone.
#     systemctl enable --now tribune

datacenter = "dc1"
data_dir = "/var/lib/tribune"

# This agent is a server, and the cluster is complete with it. Three servers: `bootstrap_expect = 3` on each, with retry_join
# below. A client agent: `server = false`, no bootstrap_expect.
server = true
bootstrap_expect = 1

# The address that other members of the cluster reach this machine by. With a real one ({{ GetPrivateIP }} finds it) open the
# firewall as well: `ufw allow tribune`, or `firewall-cmd --add-service=tribune`.
bind_addr = "127.0.0.1"

# Where the HTTP API (8500) and DNS (8600) listen.
client_addr = "127.0.0.1"

# Members to join at the start, again and again until one answers. systemd says `active` only then.
#retry_join = ["server-1.example.net", "server-2.example.net", "server-3.example.net"]

# The key of the gossip between members, the same on all of them: `tribune keygen`.
#encrypt = "..."

# Logs go to the journal. With a file the agent rotates it, and logrotate compresses and expires what was rotated.
#log_file = "/var/log/tribune/"

# Checks that run programs. The unit keeps them from most of the system: see /usr/share/doc/tribune/examples/systemd/ for more.
#enable_local_script_checks = true
