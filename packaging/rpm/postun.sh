if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # after an upgrade, what runs is restarted
    if [ "$1" -ge 1 ]; then
        systemctl try-restart tribune.service 'tribune@*.service' || :
    fi
fi
exit 0
