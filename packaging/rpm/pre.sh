getent group tribune >/dev/null || groupadd -r tribune
getent passwd tribune >/dev/null ||
    useradd -r -g tribune -d /var/lib/tribune -M -s /sbin/nologin -c Tribune tribune
exit 0
