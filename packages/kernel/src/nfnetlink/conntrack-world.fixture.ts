import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { openRawSocket } from '../socket/raw-socket.ts';
import { connectTcp } from '../socket/tcp-connection.ts';
import { listenTcp } from '../socket/tcp-listener.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { internetChecksum } from '../tun/checksum.ts';

/** Every kind of NAT, labels, marks and zones, so that the entries hold every attribute there is without a helper. */
const RULES = `
table inet t {
  ct helper ftp { type "ftp" protocol tcp; }
  chain early { type filter hook output priority -300; udp dport 99 ct zone set 3; udp dport 98 ct original zone set 4; }
  chain before { type nat hook output priority -100; ip daddr 10.96.0.1 udp dport 53 dnat ip to 10.9.0.2:5353; }
  chain change { type filter hook output priority 0; ct mark set 7; ct label set 5; tcp dport 21 ct helper set "ftp"; }
  chain after { type nat hook postrouting priority 100; ip daddr 10.9.0.2 tcp dport 80 snat ip to 10.9.0.1:7777; }
}`;

/**
 *     near 10.9.0.1, fd09::1 ──veth── far 10.9.0.2, fd09::2 (TCP 21, 80 and UDP 5353 echo)
 */
export interface ConntrackWorld {
  readonly near: Netns;
  readonly far: Netns;
  readonly netlink: Netlink;
  /** Runs in `near`; gives stdout. */
  run(command: string): string;
  /** Opens, talks and closes. */
  tcp(address: string, port: number): Promise<void>;
  udp(address: string, port: number): Promise<void>;
  /** One ICMP echo of the identifier. */
  echo(address: string, id: number): void;
}

export function inNamespace(netns: Netns, command: string, input?: string): string {
  const words = ['netns', 'exec', netns.name ?? '', 'sh', '-c', command];
  return execFileSync('ip', words, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'ignore'] });
}

export async function withConntrackWorld(fn: (world: ConntrackWorld) => Promise<void>): Promise<void> {
  await withNetns(2, async (near, far) => {
    const up = (n: number) =>
      `ip addr add 10.9.0.${n}/24 dev v0; ip addr add fd09::${n}/64 dev v0 nodad; ip link set v0 up`;
    const sysctls = 'net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1';
    inNamespace(near, `ip link add v0 type veth peer name v0 netns ${far.name}; ${up(1)}; sysctl -qw ${sysctls}`);
    inNamespace(far, up(2));
    inNamespace(near, 'ip route add 10.96.0.0/16 via 10.9.0.2; nft -f -', RULES);
    const closing: (() => void)[] = [];
    const netlink = openNetlink('netfilter', near);
    try {
      const ends = [
        { address: '10.9.0.2', port: 21 },
        { address: '10.9.0.2', port: 80 },
        { address: 'fd09::2', port: 80 },
      ];
      for (const end of ends) {
        const server = await listenTcp({ netns: far, ...end });
        server.on('connection', (socket) => socket.on('error', () => {}).pipe(socket));
        closing.push(() => server.close());
      }
      const echo = await bindUdp({ netns: far, address: '10.9.0.2', port: 5353 });
      echo.on('message', (bytes, { address, port }) => echo.send(bytes, port, address));
      closing.push(() => echo.close());
      await fn(worldOf(near, far, netlink));
    } finally {
      netlink.close();
      for (const close of closing) close();
    }
  });
}

function worldOf(near: Netns, far: Netns, netlink: Netlink): ConntrackWorld {
  return {
    near,
    far,
    netlink,
    run: (command) => inNamespace(near, command),
    async tcp(address, port) {
      const socket = await connectTcp({ netns: near, address, port });
      socket.write('hello');
      await once(socket, 'data');
      socket.destroy();
    },
    async udp(address, port) {
      const socket = await bindUdp({ netns: near, address: '0.0.0.0', port: 0 });
      const answered = port === 53 || port === 5353 ? once(socket, 'message') : undefined;
      await new Promise((resolve) => socket.send('hello', port, address, resolve));
      await answered;
      socket.close();
    },
    echo(address, id) {
      const v6 = address.includes(':');
      const socket = openRawSocket({ netns: near, family: v6 ? 'ipv6' : 'ipv4', protocol: v6 ? 'icmp6' : 'icmp' });
      const bytes = Buffer.from([v6 ? 128 : 8, 0, 0, 0, 0, id, 0, 1]);
      if (!v6) bytes.writeUInt16BE(internetChecksum(bytes), 2);
      socket.sendTo(bytes, address, 0);
      socket.close();
    },
  };
}
