import type { ValueType } from './data-type.ts';

/** Where a field of an option or extension header lies; offset and length in bits. Without `type`: presence only. */
export interface ExtensionInfo {
  /** NFT_EXTHDR_OP_* */
  readonly op: 'ipv6' | 'tcpopt' | 'ipv4' | 'sctp';
  /** Number of the option, header or chunk. */
  readonly number: number;
  readonly offset: number;
  readonly bits: number;
  readonly type?: ValueType;
}

type Fields = Readonly<Record<string, readonly [offset: number, bits: number, type: ValueType]>>;

type Named<P extends string, F extends Fields> = P | `${P} ${keyof F & string}`;

function extension<const P extends string, const F extends Fields>(
  op: ExtensionInfo['op'],
  name: P,
  [number, fields]: readonly [number, F],
): Readonly<Record<Named<P, F>, ExtensionInfo>> {
  const entries: [string, ExtensionInfo][] = [[name, { op, number, offset: 0, bits: 8 }]];
  for (const [field, [offset, bits, type]] of Object.entries(fields))
    entries.push([`${name} ${field}`, { op, number, offset, bits, type }]);
  return Object.fromEntries(entries) as Readonly<Record<Named<P, F>, ExtensionInfo>>;
}

/** Fields of an IPv6 extension header; its presence has another name, `exthdr`. */
function header<const P extends string, const F extends Fields>(
  name: P,
  [number, fields]: readonly [number, F],
): Readonly<Record<`${P} ${keyof F & string}`, ExtensionInfo>> {
  const { [name]: _presence, ...rest } = extension('ipv6', name, [number, fields]) as Record<string, ExtensionInfo>;
  return rest as Readonly<Record<`${P} ${keyof F & string}`, ExtensionInfo>>;
}

const kindLength = { length: [8, 8, 'integer8'] } as const;
const source = {
  length: [8, 8, 'integer8'],
  ptr: [16, 8, 'integer8'],
  addr: [24, 32, 'integer32be'],
} as const;
const next = { nexthdr: [0, 8, 'inet_proto'], hdrlength: [8, 8, 'integer8'] } as const;

/** TCP options, IPv4 options, IPv6 extension headers and SCTP chunks by their name in nft (nft(8), EXTENSION HEADER EXPRESSIONS). */
export const EXTENSIONS = {
  ...extension('tcpopt', 'tcp option eol', [0, {}]),
  ...extension('tcpopt', 'tcp option nop', [1, {}]),
  ...extension('tcpopt', 'tcp option maxseg', [2, { ...kindLength, size: [16, 16, 'integer16be'] }]),
  ...extension('tcpopt', 'tcp option window', [3, { ...kindLength, count: [16, 8, 'integer8'] }]),
  ...extension('tcpopt', 'tcp option sack-perm', [4, kindLength]),
  ...extension('tcpopt', 'tcp option sack', [
    5,
    { ...kindLength, left: [16, 32, 'integer32be'], right: [48, 32, 'integer32be'] },
  ]),
  ...extension('tcpopt', 'tcp option timestamp', [
    8,
    { ...kindLength, tsval: [16, 32, 'integer32be'], tsecr: [48, 32, 'integer32be'] },
  ]),
  ...extension('tcpopt', 'tcp option md5sig', [19, kindLength]),
  ...extension('tcpopt', 'tcp option mptcp', [30, kindLength]),
  ...extension('tcpopt', 'tcp option fastopen', [34, kindLength]),
  ...extension('ipv4', 'ip option rr', [7, source]),
  ...extension('ipv4', 'ip option lsrr', [131, source]),
  ...extension('ipv4', 'ip option ssrr', [137, source]),
  ...extension('ipv4', 'ip option ra', [148, { ...kindLength, value: [16, 16, 'integer16be'] }]),
  ...extension('ipv6', 'exthdr hbh', [0, {}]),
  ...extension('ipv6', 'exthdr rt', [43, {}]),
  ...extension('ipv6', 'exthdr frag', [44, {}]),
  ...extension('ipv6', 'exthdr dst', [60, {}]),
  ...extension('ipv6', 'exthdr mh', [135, {}]),
  ...header('hbh', [0, next]),
  ...header('rt', [43, { ...next, type: [16, 8, 'integer8'], 'seg-left': [24, 8, 'integer8'] }]),
  ...header('frag', [
    44,
    {
      nexthdr: [0, 8, 'inet_proto'],
      'frag-off': [16, 13, 'integer16be'],
      'more-fragments': [31, 1, 'bit'],
      id: [32, 32, 'integer32be'],
    },
  ]),
  ...header('dst', [60, next]),
  ...extension('sctp', 'sctp chunk data', [0, {}]),
  ...extension('sctp', 'sctp chunk init', [1, {}]),
  ...extension('sctp', 'sctp chunk init-ack', [2, {}]),
  ...extension('sctp', 'sctp chunk abort', [6, {}]),
  ...extension('sctp', 'sctp chunk shutdown', [7, {}]),
} as const;

/** `tcp option maxseg size`, `frag id`, ...; the name alone (`exthdr frag`, `tcp option sack-perm`) is its presence. */
export type ExtensionField = keyof typeof EXTENSIONS;
