import { TYPES, type ValueType } from './data-type.ts';
import { EXTENSIONS, type ExtensionField } from './extension-field.ts';
import { FIELDS, type FieldInfo, type PayloadField } from './header-field.ts';
import type { Expression, MatchOperator, Rule, Statement, TableFamily, Value } from './model.ts';
import { CT, type CtKey, META, type MetaKey, RT, type RtKey, SOCKET, type SocketKey } from './packet-key.ts';
import { SAMPLES } from './sample-value.ts';

/** A rule and the family of the table it makes sense in. */
export interface MatchCase {
  readonly family: TableFamily;
  readonly rule: Rule;
}

const is = (left: Expression, right: Value | readonly Value[], op: MatchOperator = '=='): Statement => ({
  kind: 'match',
  left,
  op,
  right,
});

/** Fields whose matches make nft 1.0.6 abort, or which it lists in another way than it reads them. */
const NFT_ABORTS: readonly string[] = ['ah nexthdr', 'comp nexthdr', 'comp flags'];
/** Keys that the reference kernel cannot read: br_netfilter is absent, tracing is only set, sdif needs VRF. */
const KERNEL_LACKS: readonly string[] = ['ibrname', 'obrname', 'ibrpvid', 'ibrvproto', 'nftrace', 'sdif'];
/** Types with equality only. */
const EQUAL_ONLY: readonly ValueType[] = ['os_name', 'helper', 'ifkind', 'boolean', 'ct_label'];
/** Types of which no value is greater than another, in nft's view. */
const UNORDERED: readonly ValueType[] = [
  'ifname',
  'nf_proto',
  'fib_addrtype',
  'pkt_type',
  'ct_dir',
  'iface_type',
  'day',
  'iface_index',
  'bit',
];

/** Every way to compare the expression that nft 1.0.6 takes too. */
function comparisons(left: Expression, type: ValueType): Statement[] {
  const [a, b] = SAMPLES[type];
  const equal = [is(left, a), is(left, b, '!=')];
  if (EQUAL_ONLY.includes(type)) return equal;
  if (TYPES[type].flags) return [...equal, is(left, [a, b]), is(left, [a, b], '!=')];
  const lists = [is(left, [a, b]), is(left, [a, b], '!=')];
  if (UNORDERED.includes(type)) return [...equal, ...lists];
  const order = [is(left, a, '>'), is(left, b, '<='), is(left, b, '<'), is(left, a, '>=')];
  return [...equal, ...lists, ...order, is(left, { from: a, to: b }), is(left, { from: a, to: b }, '!=')];
}

function familiesOf({ base, needs }: FieldInfo): readonly TableFamily[] {
  if (needs === 'arp') return ['arp'];
  if (base === 'link') return ['bridge', 'netdev', 'inet'];
  if (needs === 'ipv6' || needs === 'icmpv6') return ['ip6', 'inet', 'bridge'];
  if (needs === 'ipv4' || needs === 'icmp' || needs === 'igmp') return ['ip', 'inet', 'netdev'];
  return ['inet'];
}

const counted =
  (family: TableFamily, before: readonly Statement[]) =>
  (statement: Statement): MatchCase => ({
    family,
    rule: { statements: [...before, statement, { kind: 'counter' }] },
  });

/** nft 1.0.6 makes sets of a type it cannot print of conntrack's ports. */
const withoutList = (statement: Statement): boolean => !('right' in statement && Array.isArray(statement.right));

const PROTOCOL = is({ kind: 'meta', key: 'l4proto' }, 'tcp');

function headerCases(): MatchCase[] {
  return (Object.entries(FIELDS) as [PayloadField, FieldInfo][])
    .filter(([field]) => !NFT_ABORTS.includes(field))
    .flatMap(([field, info]) =>
      familiesOf(info).flatMap((family) => comparisons({ kind: 'payload', field }, info.type).map(counted(family, []))),
    );
}

function extensionCases(): MatchCase[] {
  return (Object.keys(EXTENSIONS) as ExtensionField[]).flatMap((field) =>
    comparisons({ kind: 'extension', field }, EXTENSIONS[field].type ?? 'boolean').map(counted('inet', [])),
  );
}

function keyCases(): MatchCase[] {
  const meta = (Object.keys(META) as MetaKey[])
    .filter((key) => !KERNEL_LACKS.includes(key))
    .flatMap((key) => comparisons({ kind: 'meta', key }, META[key].type).map(counted('inet', [])));
  const ct = (Object.keys(CT) as CtKey[]).flatMap((key) =>
    key.includes('proto-')
      ? comparisons({ kind: 'ct', key }, CT[key].type)
          .filter(withoutList)
          .map(counted('inet', [PROTOCOL]))
      : comparisons({ kind: 'ct', key }, CT[key].type).map(counted('inet', [])),
  );
  const rt = (Object.keys(RT) as RtKey[]).flatMap((key) =>
    comparisons({ kind: 'rt', key }, RT[key].type).map(counted('inet', [])),
  );
  const socket = (Object.keys(SOCKET) as SocketKey[])
    .filter((key) => key !== 'cgroupv2')
    .flatMap((key) => comparisons({ kind: 'socket', key }, SOCKET[key].type).map(counted('inet', [])));
  return [...meta, ...ct, ...rt, ...socket, ...comparisons({ kind: 'osf' }, 'os_name').map(counted('inet', []))];
}

/** Every field and key of the model, compared in every way; about two thousand rules. */
export const MATCH_CASES: readonly MatchCase[] = [...headerCases(), ...extensionCases(), ...keyCases()];
