import type { Netns } from '@podwire/kernel';
import { ADDRESS, ADDRESS6, CROWD, OTHER_PROXY, type Place, UPLINK } from './world-addresses.fixture.ts';

type Run = (place: Place, command: string, ...args: string[]) => string;
type Ip = (place: Place, line: string) => string;

const PODS = ['client', 'near1', 'near2'] as const;
const NODE_MAC = 'ee:ee:ee:ee:ee:ee';
const SETTINGS = {
  ip_forward: 1,
  // cases ask to be refused more often than a client in earnest would
  icmp_ratelimit: 0,
  icmp_msgs_per_sec: 1_000_000,
  icmp_msgs_burst: 10_000,
  'conf/all/rp_filter': 0,
  'conf/default/rp_filter': 0,
  'conf/all/send_redirects': 0,
  'conf/default/send_redirects': 0,
};

/** Links, addresses and routes of the world. */
export function wireWorld(netns: Record<Place, Netns>, run: Run): void {
  const ip: Ip = (place, line) => run(place, 'ip', ...line.split(' '));
  const macOf = (place: Place): string => JSON.parse(run(place, 'ip', '-j', 'link', 'show', 'eth0'))[0].address;
  const cable = (place: Place, name: string): void => {
    ip('node', `link add ${name} type veth peer name eth0 netns ${netns[place].name}`);
    ip('node', `link set ${name} address ${NODE_MAC} up`);
    ip(place, 'link set eth0 up');
  };
  for (const host of ['node', 'node2'] as const) {
    for (const [key, value] of Object.entries(SETTINGS)) run(host, 'sysctl', '-qw', `net/ipv4/${key}=${value}`);
    run(host, 'sysctl', '-qw', 'net/ipv6/conf/all/forwarding=1', 'net/ipv6/icmp/ratelimit=0');
  }
  for (const pod of PODS) {
    cable(pod, pod);
    wirePod(ip, pod, macOf(pod));
  }
  cable('far', 'eth0');
  cable('outside', 'uplink');
  wireIpv4(ip);
  wireIpv6(ip);
  // solicitations wait for link-local addresses, which are checked for duplicates first
  ip('node', `neigh add fd00:30::12 lladdr ${macOf('far')} dev eth0`);
  ip('node', `neigh add ${ADDRESS6.outside} lladdr ${macOf('outside')} dev uplink`);
  ip('far', `neigh add ${ADDRESS6.node} lladdr ${NODE_MAC} dev eth0`);
  ip('outside', `neigh add ${UPLINK.ipv6} lladdr ${NODE_MAC} dev eth0`);
}

/** By host routes, both families. */
function wirePod(ip: Ip, pod: (typeof PODS)[number], mac: string): void {
  ip(pod, `addr add ${ADDRESS[pod]}/32 dev eth0`);
  ip(pod, 'route add default via 169.254.1.1 dev eth0 onlink');
  ip(pod, `neigh add 169.254.1.1 lladdr ${NODE_MAC} dev eth0`);
  ip(pod, `addr add ${ADDRESS6[pod]}/128 dev eth0 nodad`);
  ip(pod, `neigh add fe80::1 lladdr ${NODE_MAC} dev eth0`);
  ip(pod, 'route add default via fe80::1 dev eth0 onlink');
  for (const address of [ADDRESS[pod], ADDRESS6[pod]]) {
    ip('node', `route add ${address} dev ${pod}`);
    ip('node', `neigh add ${address} lladdr ${mac} dev ${pod}`);
  }
}

function wireIpv4(ip: Ip): void {
  ip('node', 'addr add 172.30.0.11/24 dev eth0');
  // on lo it would be what masquerade takes there
  ip('node', `addr add ${OTHER_PROXY.node.ipv4}/32 dev eth0`);
  ip('far', 'addr add 172.30.0.12/24 dev eth0');
  for (const pod of ['far', 'distant'] as const) ip('far', `addr add ${ADDRESS[pod]}/32 dev lo`);
  ip('far', 'route add default via 172.30.0.11');
  ip('node', 'route add 10.244.2.0/24 via 172.30.0.12');
  ip('far', `route add local ${CROWD.ipv4} dev lo`);
  ip('node', `route add ${CROWD.ipv4} via 172.30.0.12`);
  ip('node', `addr add ${UPLINK.ipv4}/24 dev uplink`);
  ip('node', 'route add default via 203.0.113.10');
  ip('outside', 'addr add 203.0.113.10/24 dev eth0');
  ip('outside', `route add default via ${UPLINK.ipv4}`);
}

function wireIpv6(ip: Ip): void {
  ip('node', `addr add ${ADDRESS6.node}/64 dev eth0 nodad`);
  ip('far', 'addr add fd00:30::12/64 dev eth0 nodad');
  for (const pod of ['far', 'distant'] as const) ip('far', `addr add ${ADDRESS6[pod]}/128 dev lo nodad`);
  ip('far', `route add default via ${ADDRESS6.node}`);
  ip('node', 'route add fd00:244:2::/64 via fd00:30::12');
  ip('far', `route add local ${CROWD.ipv6} dev lo`);
  ip('node', `route add ${CROWD.ipv6} via fd00:30::12`);
  // never the source of what the node sends
  ip('node', `addr add ${OTHER_PROXY.node.ipv6}/128 dev lo nodad preferred_lft 0`);
  ip('outside', `addr add ${OTHER_PROXY.outside.ipv4}/32 dev lo`);
  ip('outside', `addr add ${OTHER_PROXY.outside.ipv6}/128 dev lo nodad preferred_lft 0`);
  ip('node', `addr add ${UPLINK.ipv6}/64 dev uplink nodad`);
  ip('node', `route add default via ${ADDRESS6.outside}`);
  ip('outside', `addr add ${ADDRESS6.outside}/64 dev eth0 nodad`);
  ip('outside', `route add default via ${UPLINK.ipv6}`);
}
