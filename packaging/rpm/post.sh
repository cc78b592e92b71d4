[ -d /var/lib/tribune ] || install -d -o tribune -g tribune -m 0750 /var/lib/tribune
[ -d /var/log/tribune ] || install -d -o tribune -g tribune -m 0750 /var/log/tribune
if [ "$1" = 1 ]; then
    chown root:tribune /etc/tribune.d
    chmod 0750 /etc/tribune.d
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload || :
exit 0
