/** What the cluster configuration takes; here so that a command line that is only parsed loads nothing else. */
export const PROXY_MODES = ['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf'];
