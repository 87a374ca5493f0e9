#!/bin/busybox sh
# First program of the guest, inside the initial RAM disk. Ends as the session of the run on the host's own files:
#
#   /            overlay, thrown away at the end
#   |- lower     the host's root over 9p, read-only (tag "host")
#   `- upper     tmpfs
#
# The kernel command line gives podwire_session=FILE, which the kernel hands on as an environment variable.
fail() { echo "podwire: $1 failed in the guest"; /bin/busybox sleep 1; /bin/busybox poweroff -f; }

/bin/busybox mkdir -p /proc /sys /dev /host /fresh /root
/bin/busybox mount -t proc proc /proc && /bin/busybox --install -s /bin || fail 'mounting /proc'
mount -t sysfs sysfs /sys && mount -t devtmpfs devtmpfs /dev || fail 'mounting /sys and /dev'
for module in /modules/*; do insmod "$module" || fail "loading $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host || fail 'mounting the files of the host'
mount -t tmpfs -o mode=0755 fresh /fresh && mkdir /fresh/upper /fresh/work || fail 'mounting a tmpfs'
mount -t overlay -o lowerdir=/host,upperdir=/fresh/upper,workdir=/fresh/work overlay /root || fail 'mounting the overlay'
mount -t tmpfs -o mode=0755 run /root/run && mkdir /root/run/netns || fail 'mounting /run'
for place in proc sys dev; do mount -o move "/$place" "/root/$place" || fail "moving /$place"; done
exec switch_root /root /bin/sh "$podwire_session"
