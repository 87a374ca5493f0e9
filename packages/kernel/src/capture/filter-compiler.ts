import { type Family, ipBytes, parseIp, parsePrefix, prefixParts } from '@podwire/base';
import { choose } from '../choice.ts';
import { ClassicAssembler, type ClassicInstruction } from './classic-bpf.ts';
import {
  checkFilter,
  type Direction,
  etherTypeOf,
  type Filter,
  type FilterProtocol,
  macBytes,
  portRange,
} from './filter.ts';

/**
 * Where a packet begins:
 * - ethernet: with the Ethernet header;
 * - ip: with the IP header, as on tun links (and LINKTYPE_RAW);
 * - cooked: with the network header, as from the packet socket of all links; the kernel knows the EtherType;
 * - sll2: with LINKTYPE_LINUX_SLL2's header, as cooked packets are written to a file.
 */
export type FilterLinkLayer = 'ethernet' | 'ip' | 'cooked' | 'sll2';

/** SKF_AD_OFF + SKF_AD_PROTOCOL of linux/filter.h. */
const KERNEL_PROTOCOL = -0x1000;
/** Where the EtherType is found, and where the network header begins. */
const LAYOUTS = {
  ethernet: { etherType: 12, network: 14 },
  ip: { etherType: undefined, network: 0 },
  cooked: { etherType: KERNEL_PROTOCOL, network: 0 },
  sll2: { etherType: 0, network: 20 },
} as const;

const ETHER_TYPE = { ip: 0x0800, arp: 0x0806, rarp: 0x8035, ip6: 0x86dd } as const;
const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const;
const IP6_FRAGMENT = 44;
const FRAGMENT_OFFSET_MASK = 0x1fff;
/** Offsets in the IPv4, IPv6 and ARP headers; ARP has the sender's and the target's address. */
const V4 = { fragment: 6, protocol: 9, src: 12, dst: 16 } as const;
const V6 = { next: 6, src: 8, dst: 24, end: 40 } as const;
const ARP = { src: 14, dst: 24 } as const;

/** As long as a packet can be. */
export const WHOLE_PACKET = 0x40000;

export interface CompileFilterOptions {
  /** Default ethernet. */
  readonly link?: FilterLinkLayer;
  /** Bytes kept of a packet that passes; default all. */
  readonly snapLength?: number;
}

/** Compiles a filter to classic BPF. Throws KERNEL_ENCODE, BASE_BAD_ADDRESS or BASE_BAD_PREFIX for values that are none. */
export function compileFilter(filter: Filter, options: CompileFilterOptions = {}): readonly ClassicInstruction[] {
  checkFilter(filter);
  choose(LAYOUTS, options.link ?? 'ethernet', 'what packets begin with');
  return new Compiler(options.link ?? 'ethernet').compile(filter, options.snapLength ?? WHOLE_PACKET);
}

interface Prefix {
  readonly bytes: Buffer;
  readonly length: number;
  readonly family: Family;
}

class Compiler {
  readonly #out = new ClassicAssembler();
  readonly #etherType: number | undefined;
  readonly #network: number;
  readonly #link: FilterLinkLayer;

  constructor(link: FilterLinkLayer) {
    this.#link = link;
    this.#etherType = LAYOUTS[link].etherType;
    this.#network = LAYOUTS[link].network;
  }

  compile(filter: Filter, snapLength: number): readonly ClassicInstruction[] {
    this.#test(filter, 'keep', 'drop');
    return this.#out.label('keep').ret(snapLength).label('drop').ret(0).finish();
  }

  /** Every test jumps to `yes` or `no` at its end; tests never fall through. */
  #test(filter: Filter, yes: string, no: string): void {
    if ('and' in filter)
      this.#all(
        filter.and.map((part) => (y, n) => this.#test(part, y, n)),
        yes,
        no,
      );
    else if ('or' in filter)
      this.#any(
        filter.or.map((part) => (y, n) => this.#test(part, y, n)),
        yes,
        no,
      );
    else if ('not' in filter) this.#test(filter.not, no, yes);
    else if ('protocol' in filter) this.#protocol(filter.protocol, yes, no);
    else if ('etherType' in filter) this.#isEtherType(etherTypeOf(filter.etherType), yes, no);
    else if ('mac' in filter) this.#mac(macBytes(filter.mac), filter.direction, yes, no);
    else if ('port' in filter) this.#port(portRange(filter.port), filter.direction, yes, no);
    else this.#address('host' in filter ? hostPrefix(filter.host) : netPrefix(filter.net), filter.direction, yes, no);
  }

  #all(tests: readonly Test[], yes: string, no: string): void {
    for (const test of tests) {
      const next = this.#out.newLabel();
      test(next, no);
      this.#out.label(next);
    }
    this.#out.goto(yes);
  }

  #any(tests: readonly Test[], yes: string, no: string): void {
    this.#all(
      tests.map((test) => (y, n) => test(n, y)),
      no,
      yes,
    );
  }

  #either(direction: Direction | undefined, test: (side: Direction) => Test, yes: string, no: string): void {
    this.#any((direction ? [direction] : (['src', 'dst'] as const)).map(test), yes, no);
  }

  #isEtherType(type: number, yes: string, no: string): void {
    if (this.#etherType !== undefined) {
      this.#out.load('half', this.#etherType).jump('eq', type, yes, no);
      return;
    }
    const version = type === ETHER_TYPE.ip ? 0x40 : type === ETHER_TYPE.ip6 ? 0x60 : undefined;
    if (version === undefined) this.#out.goto(no);
    else this.#out.load('byte', this.#network).alu('and', 0xf0).jump('eq', version, yes, no);
  }

  #protocol(protocol: FilterProtocol, yes: string, no: string): void {
    if (protocol === 'ip' || protocol === 'ip6' || protocol === 'arp' || protocol === 'rarp')
      this.#isEtherType(ETHER_TYPE[protocol], yes, no);
    else if (protocol === 'icmp') this.#v4Protocol(IP_PROTOCOL.icmp, yes, no);
    else if (protocol === 'icmp6') this.#v6Protocol(IP_PROTOCOL.icmp6, yes, no);
    else {
      const number = IP_PROTOCOL[protocol];
      this.#any([(y, n) => this.#v4Protocol(number, y, n), (y, n) => this.#v6Protocol(number, y, n)], yes, no);
    }
  }

  #v4Protocol(number: number, yes: string, no: string): void {
    const isV4 = this.#out.newLabel();
    this.#isEtherType(ETHER_TYPE.ip, isV4, no);
    this.#out
      .label(isV4)
      .load('byte', this.#network + V4.protocol)
      .jump('eq', number, yes, no);
  }

  /** The next header, also behind a fragment header; other extension headers are not followed. */
  #v6Protocol(number: number, yes: string, no: string): void {
    const [isV6, other, isFragment] = [this.#out.newLabel(), this.#out.newLabel(), this.#out.newLabel()];
    this.#isEtherType(ETHER_TYPE.ip6, isV6, no);
    this.#out
      .label(isV6)
      .load('byte', this.#network + V6.next)
      .jump('eq', number, yes, other);
    this.#out.label(other).jump('eq', IP6_FRAGMENT, isFragment, no);
    this.#out
      .label(isFragment)
      .load('byte', this.#network + V6.end)
      .jump('eq', number, yes, no);
  }

  #mac(mac: Buffer, direction: Direction | undefined, yes: string, no: string): void {
    if (this.#link !== 'ethernet') {
      this.#out.goto(no);
      return;
    }
    const test =
      (side: Direction): Test =>
      (y, n) =>
        this.#bytesAt(side === 'dst' ? 0 : 6, mac, 48, y, n);
    this.#either(direction, test, yes, no);
  }

  #isAnyEtherType(types: readonly number[], yes: string, no: string): void {
    this.#any(
      types.map((type) => (y, n) => this.#isEtherType(type, y, n)),
      yes,
      no,
    );
  }

  #address(prefix: Prefix, direction: Direction | undefined, yes: string, no: string): void {
    const match = (types: readonly number[], at: Record<Direction, number>): Test => {
      const side =
        (s: Direction): Test =>
        (y, n) =>
          this.#bytesAt(this.#network + at[s], prefix.bytes, prefix.length, y, n);
      return (y, n) =>
        this.#all(
          [(y2, n2) => this.#isAnyEtherType(types, y2, n2), (y2, n2) => this.#either(direction, side, y2, n2)],
          y,
          n,
        );
    };
    if (prefix.family === 'ipv6') match([ETHER_TYPE.ip6], V6)(yes, no);
    else this.#any([match([ETHER_TYPE.ip], V4), match([ETHER_TYPE.arp, ETHER_TYPE.rarp], ARP)], yes, no);
  }

  /** Whether the first `bits` bits at `offset` are those of `bytes`. */
  #bytesAt(offset: number, bytes: Buffer, bits: number, yes: string, no: string): void {
    for (let at = 0; at * 8 < bits; ) {
      const size = bytes.length - at >= 4 ? 4 : 2;
      const mask = prefixMask(bits - at * 8, size);
      const next = this.#out.newLabel();
      this.#out.load(size === 4 ? 'word' : 'half', offset + at);
      if (mask !== prefixMask(32, size)) this.#out.alu('and', mask);
      this.#out.jump('eq', (bytes.readUIntBE(at, size) & mask) >>> 0, next, no).label(next);
      at += size;
    }
    this.#out.goto(yes);
  }

  #port(range: readonly [number, number], direction: Direction | undefined, yes: string, no: string): void {
    const inV4: Test = (y, n) => {
      this.#v4Ports(n);
      this.#either(direction, (side) => this.#portTest(side, range, true), y, n);
    };
    const inV6: Test = (y, n) => {
      this.#v6Ports(n);
      this.#either(direction, (side) => this.#portTest(side, range, false), y, n);
    };
    this.#any([inV4, inV6], yes, no);
  }

  /** Goes on behind itself, with X at the end of the IPv4 header, when there are ports; else to `no`. */
  #v4Ports(no: string): void {
    const [isV4, hasPorts, isFirst] = [this.#out.newLabel(), this.#out.newLabel(), this.#out.newLabel()];
    this.#isEtherType(ETHER_TYPE.ip, isV4, no);
    this.#out.label(isV4).load('byte', this.#network + V4.protocol);
    this.#hasPorts(hasPorts, no);
    this.#out.label(hasPorts).load('half', this.#network + V4.fragment);
    this.#out.jump('set', FRAGMENT_OFFSET_MASK, no, isFirst).label(isFirst).loadHeaderLength(this.#network);
  }

  #v6Ports(no: string): void {
    const [isV6, hasPorts] = [this.#out.newLabel(), this.#out.newLabel()];
    this.#isEtherType(ETHER_TYPE.ip6, isV6, no);
    this.#out.label(isV6).load('byte', this.#network + V6.next);
    this.#hasPorts(hasPorts, no);
    this.#out.label(hasPorts);
  }

  #portTest(side: Direction, range: readonly [number, number], isV4: boolean): Test {
    const offset = this.#network + (side === 'src' ? 0 : 2);
    return (yes, no) => {
      if (isV4) this.#out.loadIndexed('half', offset);
      else this.#out.load('half', offset + V6.end);
      this.#inRange(range, yes, no);
    };
  }

  /** Whether the protocol in the accumulator has ports. */
  #hasPorts(yes: string, no: string): void {
    const is =
      (number: number): Test =>
      (y, n) =>
        this.#out.jump('eq', number, y, n);
    this.#any([is(IP_PROTOCOL.tcp), is(IP_PROTOCOL.udp), is(IP_PROTOCOL.sctp)], yes, no);
  }

  #inRange([first, last]: readonly [number, number], yes: string, no: string): void {
    const notBelow = this.#out.newLabel();
    if (first === last) this.#out.jump('eq', first, yes, no);
    else this.#out.jump('ge', first, notBelow, no).label(notBelow).jump('gt', last, no, yes);
  }
}

/** Emits code that ends in a jump to one of two labels. */
type Test = (yes: string, no: string) => void;

function prefixMask(bits: number, size: number): number {
  const width = size * 8;
  const ones = Math.min(Math.max(bits, 0), width);
  return ones === 0 ? 0 : (2 ** width - 2 ** (width - ones)) >>> 0;
}

function hostPrefix(host: string): Prefix {
  const bytes = Buffer.from(ipBytes(parseIp(host)));
  return { bytes, length: bytes.length * 8, family: bytes.length === 4 ? 'ipv4' : 'ipv6' };
}

function netPrefix(net: string): Prefix {
  const { address, length, family } = prefixParts(parsePrefix(net));
  return { bytes: Buffer.from(ipBytes(address)), length, family };
}
