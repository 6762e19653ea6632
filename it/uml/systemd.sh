# systemd.sh - part of init.sh: systemd as the first process, with a bus, a user's own systemd, and the command as a
# service. Nothing of the machine's own units is started.
if [ "$1" = service ]; then
  mount -t tmpfs -o mode=1777,size=60% tmp /var/tmp
  work
  exit
fi
user=4321
echo "coracle-it:x:$user:$user::/tmp:/bin/sh" >> /etc/passwd
echo "coracle-it:x:$user:" >> /etc/group
unit() { # NAME, and its text on stdin; a unit needs nothing that it does not name
  { echo "[Unit]"; [ "${1##*.}" = target ] || echo DefaultDependencies=no; cat; } > "/etc/systemd/system/$1"
}
unit it.target <<END
Wants=it.service
END
unit dbus.socket <<END
[Socket]
ListenStream=/run/dbus/system_bus_socket
END
unit dbus.service <<END
Requires=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --syslog-only
END
unit it-user.service <<END
[Service]
Type=notify
User=coracle-it
Slice=user-$user.slice
Delegate=yes
RuntimeDirectory=user/$user
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=/run/user/$user HOME=/tmp
ExecStart=/lib/systemd/systemd --user
END
unit it.service <<END
Wants=dbus.service it-user.service
After=dbus.service it-user.service
[Service]
Type=oneshot
Environment=HOME=/root IT_WORK=$IT_WORK IT_SYSTEMD=1
ExecStart=/bin/bash $0 service
StandardInput=null
StandardOutput=tty
StandardError=inherit
TTYPath=/dev/console
END
rm -f /.dockerenv # this is no container, whatever the host is
umount /proc
exec env -i PATH="$PATH" /lib/systemd/systemd --system --unit=it.target --show-status=no --log-level=crit
