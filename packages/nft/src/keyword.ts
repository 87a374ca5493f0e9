/**
 * Words that nft 1.0.6 does not take as a name of a table, chain, set or object, found by trying every word of its
 * grammar: the kernel would take them, but the listing could not be loaded again.
 */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `
    accept add ah all and arp auto-merge bridge bytes cgroup chain comment comp constant continue
    counter cpu create ct day dccp define delete describe device devices dnat drop dst dup dynamic ecn
    element elements eq esp ether exists expires export fib flags flow flush frag fwd gc-interval ge
    goto gt handle hbh hook hour ibriport ibrname icmp icmpv6 iif iifgroup iifname iiftype import
    include index inet insert interval ip ip6 ipsec jhash jump le limit list ll log lt map mark
    masquerade meta meter mh missing monitor ne netdev nftrace nh not notrack numgen obriport obrname
    oif oifgroup oifname oiftype or osf packets policy position priority queue quota random redefine
    redirect reject rename replace reset return rt rt0 rt2 rtclassid rule ruleset sctp secmark set size
    skgid skuid snat socket srh symhash synproxy table tcp th time timeout tproxy type typeof udp
    udplite undefine update vlan vmap xor xt
  `
    .trim()
    .split(/\s+/),
);
