if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
    systemctl --quiet disable --now tribune-snapshot.timer tribune.service || :
    systemctl stop 'tribune@*.service' || :
fi
exit 0
