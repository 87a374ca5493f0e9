# Runs in the guest, read by the session file that guest.ts writes for each run, which calls `run COMMAND...`.
# Everything printed goes to the virtio port, which arrives on the host as it is written.
#
# The exit code leaves through QEMU's isa-debug-exit device: a byte B at port 0xf4 ends QEMU with status 2B + 1.
exit_guest() {
  printf "\\$(printf %o $(($1 + 16)))" | dd of=/dev/port bs=1 seek=244 2>/dev/null
}

prepare() {
  mkdir -p /dev/pts /dev/shm /dev/net
  mknod /dev/net/tun c 10 200
  mount -t devpts devpts /dev/pts
  mount -t tmpfs shm /dev/shm
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mount -t bpf bpf /sys/fs/bpf
  ln -s /proc/self/fd /dev/fd
  mkdir -p /lib/modules && ln -sfn "$1" "/lib/modules/$(uname -r)"
  echo podwire-guest >/proc/sys/kernel/hostname
  ip link set lo up
}

# run MODULES FOLDER COMMAND...
run() {
  prepare "$1" && cd "$2" && shift 2
  exec </dev/null >"$(echo /dev/vport*)" 2>&1
  code=125
  "$@" && code=0 || code=$?
  [ $code -le 100 ] || code=100
  exit_guest $code
}
