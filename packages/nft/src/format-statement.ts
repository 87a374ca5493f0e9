import { formatDuration, TYPES } from './data-type.ts';
import { nftError } from './errors.ts';
import { EXTENSIONS, FIELDS, setNamed, yieldsPort } from './expression-type.ts';
import { formatElement, formatElementStatement, formatVerdict, quoteName } from './format-element.ts';
import { formatExpression, formatRight, keyTypes, leftType } from './format-expression.ts';
import { checkField } from './match-check.ts';
import type { NatFlags, ObjectKind, Ports, Statement, Table, Value } from './model.ts';
import { checkName, cleanPrefix } from './name.ts';
import { rejectAnswer } from './reject-code.ts';
import { formatValue } from './value.ts';
import { whole } from './whole-number.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

/** nft syntax of a statement. */
export function formatStatement(statement: Statement, table: Table): string {
  switch (statement.kind) {
    case 'match':
      return formatMatch(statement, table);
    case 'lookup':
      return `${formatExpression(statement.key, table)} ${statement.invert ? '!= ' : ''}@${checkName(statement.set)}`;
    case 'anonymous-lookup':
      return formatAnonymousLookup(statement, table);
    case 'vmap':
      return `${formatExpression(statement.key, table)} vmap @${checkName(statement.map)}`;
    case 'anonymous-vmap':
      return formatAnonymousVmap(statement, table);
    case 'verdict':
      return formatVerdict(statement.verdict);
    case 'counter':
    case 'limit':
    case 'quota':
    case 'ct-count':
      return formatElementStatement(statement);
    case 'update':
      return formatUpdate(statement, table);
    case 'objref':
      return `${OBJREF[statement.type]} ${quoteName(statement.name)}`;
    case 'objref-map':
      return `${OBJREF[statement.type]} ${formatExpression(statement.key, table)} map @${checkName(statement.map)}`;
    default:
      return formatAction(statement, table);
  }
}

type Matching = StatementOf<
  | 'match'
  | 'lookup'
  | 'anonymous-lookup'
  | 'vmap'
  | 'anonymous-vmap'
  | 'verdict'
  | 'counter'
  | 'limit'
  | 'quota'
  | 'ct-count'
  | 'update'
  | 'objref'
  | 'objref-map'
>;

/** Statements that change the packet, its connection or its way. */
function formatAction(statement: Exclude<Statement, Matching>, table: Table): string {
  switch (statement.kind) {
    case 'set-mark':
      return `meta mark set ${formatExpression(statement.to, table, 'mark')}`;
    case 'set-ct-mark':
      return `ct mark set ${formatExpression(statement.to, table, 'mark')}`;
    case 'set-meta':
    case 'set-ct':
    case 'set-payload':
    case 'set-extension':
      return formatSet(statement, table);
    case 'reset-tcp-option':
      return `reset ${statement.option}`;
    case 'dnat':
    case 'snat':
      return formatNat(statement, table);
    case 'masquerade':
    case 'redirect':
      return `${statement.kind}${statement.port === undefined ? '' : ` to :${formatPorts(statement.port)}`}${natFlags(statement)}`;
    case 'tproxy':
      return formatTproxy(statement);
    case 'reject':
      return formatReject(statement, table);
    case 'log':
      return formatLog(statement);
    case 'queue':
      return formatQueue(statement, table);
    case 'dup':
    case 'fwd':
      return formatCopy(statement, table);
    case 'synproxy':
      return formatSynproxy(statement);
    case 'flow-add':
      return `flow add @${checkName(statement.flowtable)}`;
    case 'unknown':
      return `unknown ${statement.expressions.map(({ name }) => JSON.stringify(name)).join(' ')}`;
    case 'notrack':
    case 'last':
      return statement.kind;
  }
}

function formatMatch({ left, op, right }: StatementOf<'match'>, table: Table): string {
  const type = leftType(left, table);
  const text = formatExpression(left, table);
  checkField(left, right);
  if (left.kind === 'fib' && (right === 'exists' || right === 'missing'))
    return `${text} ${op === '!=' ? '!= ' : ''}${right}`;
  const exact = left.kind === 'bitwise' || left.kind === 'shift';
  if (TYPES[type].flags && exact) return `${text} ${op} ${formatFlags(type, right)}`;
  if (TYPES[type].flags) return `${text} ${op === '!=' ? '! ' : ''}${formatRight(type, right)}`;
  // == is left out where nft leaves it out in its listings.
  const operator = op === '==' && !exact ? '' : `${op} `;
  return `${text} ${operator}${formatRight(type, right)}`;
}

function formatFlags(type: Parameters<typeof formatValue>[0], right: Value | readonly Value[]): string {
  const values = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
  const names = values.map((value) => formatValue(type, value)).join(',');
  return names.includes(',') ? `(${names.replaceAll(',', ' | ')})` : names;
}

function formatAnonymousLookup({ key, elements, invert }: StatementOf<'anonymous-lookup'>, table: Table): string {
  const types = { key: keyTypes(key, table) };
  const list = elements.map((element) => formatElement(types, element)).join(', ');
  return `${formatExpression(key, table)} ${invert ? '!= ' : ''}{ ${list} }`;
}

function formatAnonymousVmap({ key, elements }: StatementOf<'anonymous-vmap'>, table: Table): string {
  const types = { key: keyTypes(key, table), data: 'verdict' } as const;
  return `${formatExpression(key, table)} vmap { ${elements.map((element) => formatElement(types, element)).join(', ')} }`;
}

function formatSet(
  statement: StatementOf<'set-meta' | 'set-ct' | 'set-payload' | 'set-extension'>,
  table: Table,
): string {
  switch (statement.kind) {
    case 'set-meta':
      return `meta ${statement.key} set ${formatExpression(statement.to, table, SET_META[statement.key])}`;
    case 'set-ct':
      return `ct ${statement.key} set ${formatExpression(statement.to, table, SET_CT[statement.key])}`;
    case 'set-payload':
      return `${statement.field} set ${formatExpression(statement.to, table, FIELDS[statement.field].type)}`;
    case 'set-extension':
      return `${statement.field} set ${formatExpression(statement.to, table, EXTENSIONS[statement.field].type ?? 'boolean')}`;
  }
}

/** The type of what is assigned. */
export const SET_META = { priority: 'classid', nftrace: 'bit', pkttype: 'pkt_type', rtclassid: 'realm' } as const;
export const SET_CT = {
  zone: 'integer16',
  'original zone': 'integer16',
  'reply zone': 'integer16',
  label: 'ct_label',
  event: 'ct_event',
} as const;

const OBJREF: Readonly<Record<ObjectKind, string>> = {
  counter: 'counter name',
  quota: 'quota name',
  limit: 'limit name',
  'ct helper': 'ct helper set',
  'ct timeout': 'ct timeout set',
  'ct expectation': 'ct expectation set',
  synproxy: 'synproxy name',
  secmark: 'meta secmark set',
};

function natFlags({ random, fullyRandom, persistent }: NatFlags): string {
  const flags = [
    ...(random ? ['random'] : []),
    ...(fullyRandom ? ['fully-random'] : []),
    ...(persistent ? ['persistent'] : []),
  ];
  return flags.length ? ` ${flags.join(',')}` : '';
}

const formatPorts = (ports: Ports): string => formatValue('inet_service', ports);

function formatNat(statement: StatementOf<'dnat' | 'snat'>, table: Table): string {
  const { kind, family, to, port, prefix } = statement;
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const both = statement.withPort || yieldsPort(to, table);
  const target = formatExpression(to, table, address);
  if (!port)
    return `${kind} ${family}${both ? ' addr . port' : ''}${prefix ? ' prefix' : ''} to ${target}${natFlags(statement)}`;
  const quoted = family === 'ip6' && to.kind === 'value' ? target.replace(/[^-]+/g, '[$&]') : target;
  return `${kind} ${family} to ${quoted}:${formatExpression(port, table, 'inet_service')}${natFlags(statement)}`;
}

function formatReject({ with: reason, protocol }: StatementOf<'reject'>, { family }: Table): string {
  const answer = rejectAnswer(reason, family, protocol);
  return answer.protocol === 'tcp' ? 'reject with tcp reset' : `reject with ${answer.protocol} ${answer.name}`;
}

function formatUpdate({ op, set, key, data, timeout, statements }: StatementOf<'update'>, table: Table): string {
  const target = setNamed(table, set);
  const dataType = target.data !== undefined && target.data !== 'verdict' ? target.data[0] : undefined;
  const parts = [
    formatExpression(key, table),
    ...(timeout === undefined ? [] : [`timeout ${formatDuration(timeout)}`]),
    ...(statements ?? []).map(formatElementStatement),
    ...(data ? [`: ${formatExpression(data, table, dataType)}`] : []),
  ];
  return `${op} @${checkName(set)} { ${parts.join(' ')} }`;
}

function formatTproxy({ family, address, port }: StatementOf<'tproxy'>): string {
  const how = family === 'inet' ? 'tproxy to' : `tproxy ${family} to`;
  if (address === undefined) return `${how} :${formatPorts(port)}`;
  if (family === 'inet') throw nftError('NFT_BAD_RULESET', 'tproxy with an address needs family ip or ip6');
  const text = TYPES[family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'].format(address);
  return `${how} ${family === 'ip6' ? `[${text}]` : text}:${formatPorts(port)}`;
}

/** Both tcp flags share one word. */
const LOG_FLAGS = {
  'tcp sequence': 'tcp sequence',
  'tcp options': 'tcp options',
  'ip options': 'ip options',
  skuid: 'skuid',
  ether: 'ether',
} as const;

function formatLog({ prefix, group, snaplen, queueThreshold, level, flags = [] }: StatementOf<'log'>): string {
  return [
    'log',
    ...(prefix === undefined ? [] : ['prefix', `"${cleanPrefix(prefix)}"`]),
    ...(group === undefined ? [] : ['group', whole(group, 16)]),
    ...(snaplen === undefined ? [] : ['snaplen', whole(snaplen, 32)]),
    ...(queueThreshold === undefined ? [] : ['queue-threshold', whole(queueThreshold, 16)]),
    ...(level === undefined ? [] : ['level', level]),
    ...flags.flatMap((flag) => ['flags', LOG_FLAGS[flag]]),
  ].join(' ');
}

function formatQueue({ to, bypass, fanout }: StatementOf<'queue'>, table: Table): string {
  const flags = [...(bypass ? ['bypass'] : []), ...(fanout ? ['fanout'] : [])];
  return `queue${flags.length ? ` flags ${flags.join(',')}` : ''} to ${formatExpression(to, table, 'integer16be')}`;
}

function formatCopy(statement: StatementOf<'dup' | 'fwd'>, table: Table): string {
  const { to } = statement;
  const device = statement.device && formatExpression(statement.device, table, 'iface_index');
  if (!to) return `${statement.kind} to ${device}`;
  const address = addressFamily(statement, table);
  const family = statement.kind === 'fwd' ? ` ${address}` : '';
  const target = formatExpression(to, table, address === 'ip6' ? 'ipv6_addr' : 'ipv4_addr');
  return `${statement.kind}${family} to ${target}${device === undefined ? '' : ` device ${device}`}`;
}

/** Whose addresses a copy or a detour goes to. */
export function addressFamily(statement: StatementOf<'dup' | 'fwd'>, { family }: Table): 'ip' | 'ip6' {
  const said = statement.kind === 'fwd' ? statement.family : undefined;
  return said ?? (family === 'ip6' ? 'ip6' : 'ip');
}

export function formatSynproxy({ mss, wscale, timestamp, sackPerm }: Omit<StatementOf<'synproxy'>, 'kind'>): string {
  return [
    'synproxy',
    ...(mss === undefined ? [] : ['mss', whole(mss, 16)]),
    ...(wscale === undefined ? [] : ['wscale', whole(wscale, 8)]),
    ...(timestamp ? ['timestamp'] : []),
    ...(sackPerm ? ['sack-perm'] : []),
  ].join(' ');
}
