/** Where a field of a program's context lies, and whether programs may write it (the verifier knows exceptions). */
export interface ContextField {
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8 | 16 | 20;
  readonly writable: boolean;
}

export interface ContextLayout<F extends string = string, W extends F = F> {
  readonly name: string;
  readonly size: number;
  readonly fields: Readonly<Record<F, ContextField>>;
  /** Only for the type: the names of the writable fields. */
  readonly writable?: W;
}

type Place = readonly [offset: number, size: ContextField['size'], access: 'r' | 'rw'];
type Writable<P extends Record<string, Place>> = { [K in keyof P]: P[K][2] extends 'rw' ? K : never }[keyof P];

function layout<const P extends Record<string, Place>>(
  name: string,
  size: number,
  places: P,
): ContextLayout<keyof P & string, Writable<P> & string> {
  const fields: Record<string, ContextField> = {};
  for (const [field, [offset, width, access]] of Object.entries(places))
    fields[field] = { offset, size: width, writable: access === 'rw' };
  return { name, size, fields: fields as Record<keyof P & string, ContextField> };
}

/**
 * The contexts of linux/bpf.h: what r1 points to when a program starts. Addresses and user_port are in network order,
 * `local_port` is in host order, `remote_port` in network order.
 */
export const CONTEXTS = {
  /** Programs of type cgroup_sock_addr: bind, connect, sendmsg, recvmsg, getpeername, getsockname. */
  bpf_sock_addr: layout('bpf_sock_addr', 72, {
    user_family: [0, 4, 'r'],
    user_ip4: [4, 4, 'rw'],
    user_ip6: [8, 16, 'rw'],
    user_port: [24, 4, 'rw'],
    family: [28, 4, 'r'],
    type: [32, 4, 'r'],
    protocol: [36, 4, 'r'],
    msg_src_ip4: [40, 4, 'rw'],
    msg_src_ip6: [44, 16, 'rw'],
    sk: [64, 8, 'r'],
  }),
  /** Programs that see packets: socket_filter, sched_cls, cgroup_skb, lwt_*, sk_skb. */
  __sk_buff: layout('__sk_buff', 192, {
    len: [0, 4, 'r'],
    pkt_type: [4, 4, 'r'],
    mark: [8, 4, 'rw'],
    queue_mapping: [12, 4, 'rw'],
    protocol: [16, 4, 'r'],
    vlan_present: [20, 4, 'r'],
    vlan_tci: [24, 4, 'r'],
    vlan_proto: [28, 4, 'r'],
    priority: [32, 4, 'rw'],
    ingress_ifindex: [36, 4, 'r'],
    ifindex: [40, 4, 'r'],
    tc_index: [44, 4, 'rw'],
    cb: [48, 20, 'rw'],
    hash: [68, 4, 'r'],
    tc_classid: [72, 4, 'rw'],
    data: [76, 4, 'r'],
    data_end: [80, 4, 'r'],
    napi_id: [84, 4, 'r'],
    family: [88, 4, 'r'],
    remote_ip4: [92, 4, 'r'],
    local_ip4: [96, 4, 'r'],
    remote_ip6: [100, 16, 'r'],
    local_ip6: [116, 16, 'r'],
    remote_port: [132, 4, 'r'],
    local_port: [136, 4, 'r'],
    data_meta: [140, 4, 'r'],
    flow_keys: [144, 8, 'r'],
    tstamp: [152, 8, 'rw'],
    wire_len: [160, 4, 'r'],
    gso_segs: [164, 4, 'r'],
    sk: [168, 8, 'r'],
    gso_size: [176, 4, 'r'],
    tstamp_type: [180, 1, 'r'],
    hwtstamp: [184, 8, 'r'],
  }),
  /** Programs of type xdp. */
  xdp_md: layout('xdp_md', 24, {
    data: [0, 4, 'r'],
    data_end: [4, 4, 'r'],
    data_meta: [8, 4, 'r'],
    ingress_ifindex: [12, 4, 'r'],
    rx_queue_index: [16, 4, 'r'],
    egress_ifindex: [20, 4, 'r'],
  }),
  /** Programs of type sk_lookup: which socket gets an incoming connection or datagram. */
  bpf_sk_lookup: layout('bpf_sk_lookup', 72, {
    cookie: [0, 8, 'r'],
    family: [8, 4, 'r'],
    protocol: [12, 4, 'r'],
    remote_ip4: [16, 4, 'r'],
    remote_ip6: [20, 16, 'r'],
    remote_port: [36, 2, 'r'],
    local_ip4: [40, 4, 'r'],
    local_ip6: [44, 16, 'r'],
    local_port: [60, 4, 'r'],
    ingress_ifindex: [64, 4, 'r'],
  }),
  /** Programs of type cgroup_sock: a socket is made, bound or released. */
  bpf_sock: layout('bpf_sock', 80, {
    bound_dev_if: [0, 4, 'rw'],
    family: [4, 4, 'r'],
    type: [8, 4, 'r'],
    protocol: [12, 4, 'r'],
    mark: [16, 4, 'rw'],
    priority: [20, 4, 'rw'],
    src_ip4: [24, 4, 'r'],
    src_ip6: [28, 16, 'r'],
    src_port: [44, 4, 'r'],
    dst_port: [48, 2, 'r'],
    dst_ip4: [52, 4, 'r'],
    dst_ip6: [56, 16, 'r'],
    state: [72, 4, 'r'],
    rx_queue_mapping: [76, 4, 'r'],
  }),
} as const;
