import { GENETLINK_PROBES } from '../genetlink/genetlink-probe.ts';
import { NFNETLINK_PROBES } from '../nfnetlink/nfnetlink-probe.ts';
import { TC_PROBES } from '../rtnetlink/tc-probe.ts';
import { SOCKDIAG_PROBES } from '../sockdiag/sockdiag-probe.ts';
import { XFRM_PROBES } from '../xfrm/xfrm-probe.ts';
import { withUses } from './feature.ts';

export const TC_FEATURES = withUses(TC_PROBES, {
  'qdisc-tbf': "limits of pods' bandwidth",
  'qdisc-htb': 'limits that are shared',
  'qdisc-clsact': 'filters and programs on a link',
  'qdisc-netem': 'bad networks for tests',
  'qdisc-fq': 'paced senders',
  'tc-bpf': 'programs as filters',
  'tc-matchall': 'mirrored and policed links',
});

/** Parts of the kernel that have a netlink family of their own. */
export const FAMILY_FEATURES = {
  ...withUses(GENETLINK_PROBES, {
    ipvs: 'Services in mode ipvs',
    'wireguard-netlink': 'keys and peers of WireGuard links',
    ethtool: 'checksum offload of links',
  }),
  ...withUses(XFRM_PROBES, { xfrm: 'IPsec policies', 'xfrm-esp': 'IPsec between nodes' }),
  ...withUses(SOCKDIAG_PROBES, {
    'inet-diag': 'who has which connection',
    'sock-destroy': 'connections ended when their endpoint goes',
  }),
  ...withUses(NFNETLINK_PROBES, {
    conntrack: 'UDP flows forgotten when their endpoint goes',
    'conntrack-events': 'connections followed without listing them',
    'nf-log': 'packets that policies log',
    'nft-trace': 'the rules a packet meets',
  }),
};
