#!/bin/bash
# init.sh - the first process of the guest. From the kernel's command line: IT_WORK, with the command, and where its
# status goes; IT_OUT, the shared folder; IT_MODULES, the kernel's modules; IT_SYSTEMD=1, that systemd is the first
# process and the command a service of it. uml/run.sh starts it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mountpoint -q /proc || busybox mount -t proc proc /proc
for word in $(cat /proc/cmdline); do case $word in IT_*=*) export "$word";; esac; done
if [ "$1" != inside ] && [ "$1" != service ]; then
  # The root is the host's, read-only: everything that is written goes to a tmpfs over it.
  grep -qw overlay /proc/filesystems || busybox insmod "$IT_MODULES/kernel/fs/overlayfs/overlay.ko"
  busybox mount -t tmpfs -o mode=755,size=75% over /mnt && mkdir /mnt/up /mnt/work /mnt/root
  busybox mount -t overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work overlay /mnt/root || { echo "no overlay: the root stays read-only"; }
  busybox mount -t devtmpfs dev /mnt/root/dev
  busybox mount -o move /proc /mnt/root/proc
  cd /mnt/root && busybox mount -o move . / && exec chroot . /bin/bash "$0" inside
fi
work() {
  cd /
  setsid -w /bin/bash "$IT_WORK/command" < /dev/null
  status=$?
  echo $status > "$IT_WORK/status"; sync
  for key in o b; do echo $key > /proc/sysrq-trigger; sleep 1; done
}
if [ -n "${IT_SYSTEMD:-}" ]; then
  busybox mount -t hostfs -o "$IT_OUT" none "$IT_OUT"
  . "$(dirname "$0")/systemd.sh"
fi
mountpoint -q /sys || busybox mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm /dev/mqueue
busybox mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
[ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
[ -e /dev/fd ] || { ln -s /proc/self/fd /dev/fd; ln -s fd/0 /dev/stdin; ln -s fd/1 /dev/stdout; ln -s fd/2 /dev/stderr; }
busybox mount -t tmpfs -o mode=1777 shm /dev/shm
busybox mount -t mqueue mqueue /dev/mqueue
busybox mount -t tmpfs -o mode=755 run /run
busybox mount -t tmpfs -o mode=1777,size=60% tmp /var/tmp # a plain tmpfs, no overlay: it can be idmapped
ip link set lo up
hostname guest
busybox mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/init
# Only ourselves: kernel threads of realtime policy outside the root would keep the cpu controller off.
echo $$ > /sys/fs/cgroup/init/cgroup.procs
for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$c" > /sys/fs/cgroup/cgroup.subtree_control; done
busybox mount -t hostfs -o "$IT_OUT" none "$IT_OUT"
work
