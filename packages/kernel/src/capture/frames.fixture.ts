import fc from 'fast-check';
import type { Filter } from './filter.ts';

/** Frames and filters over a small world of addresses and ports, so that filters hit about as often as they miss. */

const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', 'ff:ff:ff:ff:ff:ff'] as const;
const V4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.168.7.9'] as const;
const V6 = ['fd00::1', 'fd00::2', 'fd00:0:0:1::1', '2001:db8:8000::9'] as const;
const PORTS = [53, 80, 443, 8080] as const;
const WITH_PORTS = [6, 17, 132] as const;

const mac = fc.constantFrom(...MACS);
const port = fc.constantFrom(...PORTS);
const macHex = (value: string) => value.replaceAll(':', '');
const v4Hex = (value: string) => Buffer.from(value.split('.').map(Number)).toString('hex');
const v6Bytes = new Map([
  ['fd00::1', 'fd000000000000000000000000000001'],
  ['fd00::2', 'fd000000000000000000000000000002'],
  ['fd00:0:0:1::1', 'fd000000000000010000000000000001'],
  ['2001:db8:8000::9', '20010db8800000000000000000000009'],
]);
const hex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0');
const PAYLOAD = '00'.repeat(64);

const v4 = fc
  .record({
    src: fc.constantFrom(...V4),
    dst: fc.constantFrom(...V4),
    protocol: fc.constantFrom(...WITH_PORTS, 1, 47),
    fragment: fc.constantFrom(0, 0, 0, 0x2000, 0x00b9),
    options: fc.nat(3),
    ports: fc.tuple(port, port),
  })
  .map(({ src, dst, protocol, fragment, options, ports }) => {
    const length = 20 + options * 4 + 4 + 64;
    const head = `${hex(0x45 + options, 1)}00${hex(length, 2)}0001${hex(fragment, 2)}40${hex(protocol, 1)}0000`;
    const data = `${hex(ports[0], 2)}${hex(ports[1], 2)}${PAYLOAD}`;
    return { etherType: 0x0800, data: `${head}${v4Hex(src)}${v4Hex(dst)}${'01'.repeat(options * 4)}${data}` };
  });

const v6 = fc
  .record({
    src: fc.constantFrom(...V6),
    dst: fc.constantFrom(...V6),
    protocol: fc.constantFrom(...WITH_PORTS, 58, 47),
    fragment: fc.boolean(),
    ports: fc.tuple(port, port),
  })
  .map(({ src, dst, protocol, fragment, ports }) => {
    const data = `${hex(ports[0], 2)}${hex(ports[1], 2)}${PAYLOAD}`;
    const extension = fragment ? `${hex(protocol, 1)}00000100000007` : '';
    const length = (extension.length + data.length) / 2;
    const head = `60000000${hex(length, 2)}${fragment ? '2c' : hex(protocol, 1)}40${v6Bytes.get(src)}${v6Bytes.get(dst)}`;
    return { etherType: 0x86dd, data: `${head}${extension}${data}` };
  });

const arp = fc
  .record({ reverse: fc.boolean(), src: fc.constantFrom(...V4), dst: fc.constantFrom(...V4) })
  .map(({ reverse, src, dst }) => {
    const sender = `${macHex(MACS[0])}${v4Hex(src)}`;
    const data = `0001080006040001${sender}${macHex(MACS[1])}${v4Hex(dst)}${PAYLOAD}`;
    return { etherType: reverse ? 0x8035 : 0x0806, data };
  });

const local = fc.constant({ etherType: 0x88b5, data: PAYLOAD });

/** A whole Ethernet frame. */
export const frame = fc
  .tuple(mac, mac, fc.oneof({ weight: 4, arbitrary: v4 }, { weight: 4, arbitrary: v6 }, arp, local))
  .map(([dst, src, { etherType, data }]) =>
    Buffer.from(`${macHex(dst)}${macHex(src)}${hex(etherType, 2)}${data}`, 'hex'),
  );

const direction = fc.constantFrom('src' as const, 'dst' as const, undefined);
const directed = <V, K extends string>(key: K, value: fc.Arbitrary<V>): fc.Arbitrary<{ [P in K]: V }> =>
  fc.tuple(value, direction).map(([v, d]) => ({ [key]: v, ...(d ? { direction: d } : {}) }) as { [P in K]: V });

const leaf: fc.Arbitrary<Filter> = fc.oneof(
  fc
    .constantFrom('ip' as const, 'ip6', 'arp', 'rarp', 'tcp', 'udp', 'sctp', 'icmp', 'icmp6')
    .map((protocol) => ({ protocol })),
  fc.constantFrom(0x0800, 0x88b5, 0x8035).map((etherType) => ({ etherType })),
  directed('mac', mac),
  directed('host', fc.constantFrom<string>(...V4, ...V6)),
  directed(
    'net',
    fc.constantFrom('10.0.0.0/24', '10.0.0.0/9', '0.0.0.0/0', 'fd00::/64', 'fd00::/20', '2001:db8:8000::/33'),
  ),
  directed('port', port),
  directed('port', fc.constantFrom([53, 80] as const, [80, 8080] as const, [0, 65535] as const)),
);

/** A filter of a few levels. */
export const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => {
  const parts = fc.array(tie('filter'), { maxLength: 3 });
  return {
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      parts.map((and) => ({ and })),
      parts.map((or) => ({ or })),
      tie('filter').map((not) => ({ not })),
    ),
  };
}).filter;
