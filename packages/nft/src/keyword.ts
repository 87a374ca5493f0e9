import type { ObjectKind } from './model.ts';

/**
 * Words that nft 1.0.6 does not take as a name of a table, chain, set or object, found by trying every word of its
 * library in every place: the kernel would take them, but the listing could not be loaded again.
 */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `
    accept add ah all and arp auto-merge bridge bytes cgroup chain comment comp constant continue
    counter cpu create ct day dccp define delete describe device devices dnat drop dst dup dynamic ecn
    element elements eq esp ether exists expires export exthdr fib flags flow flowtable flush frag fwd
    gc-interval ge get goto gt handle hbh hook hour ibriport ibrname icmp icmpv6 igmp iif iifgroup
    iifname iiftype import include index inet insert interval ip ip6 ipsec jhash jump le limit list ll
    log lt map mark masquerade meta meter mh missing monitor ne netdev nftrace nh not notrack numgen
    obriport obrname offload oif oifgroup oifname oiftype or osf packets pkttype policy position
    priority queue quota random redefine redirect reject rename replace reset return rt rt0 rt2
    rtclassid rule ruleset sctp secmark set size skgid skuid snat socket srh symhash synproxy table tcp
    th time timeout tproxy type typeof udp udplite undefine update vlan vmap xor xt
  `
    .trim()
    .split(/\s+/),
);

const CT = `
    avgpkt count daddr direction dport event expectation expiration helper helpers id l3proto label original over
    proto-dst proto-src protocol reply saddr state status zone
  `;
const LIMIT = 'burst minute name over rate second week';
const SYNPROXY = 'mss name sack-perm sack-permitted timestamp wscale';

/** Words that cannot be names of one kind of object, for nft reads them as what follows the kind. */
export const OBJECT_KEYWORDS: Readonly<Partial<Record<ObjectKind, ReadonlySet<string>>>> = {
  counter: new Set(['name']),
  quota: new Set(['name', 'over', 'until', 'used']),
  limit: new Set(LIMIT.split(' ')),
  synproxy: new Set(SYNPROXY.split(' ')),
  'ct helper': new Set(CT.trim().split(/\s+/)),
  'ct timeout': new Set(CT.trim().split(/\s+/)),
  'ct expectation': new Set(CT.trim().split(/\s+/)),
};
