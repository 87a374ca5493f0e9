import { TYPES } from './data-type.ts';
import { setNamed, yieldsPort } from './expression-type.ts';
import { formatExpression, formatRight, leftType } from './format-expression.ts';
import type { Expression, Statement, Table, Verdict } from './model.ts';
import { checkName, quote } from './name.ts';

type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

export function formatVerdict(verdict: Verdict): string {
  return verdict.kind === 'jump' || verdict.kind === 'goto'
    ? `${verdict.kind} ${checkName(verdict.chain)}`
    : verdict.kind;
}

function formatMatch({ left, op, right }: StatementOf<'match'>, table: Table): string {
  const type = leftType(left, table);
  const text = formatExpression(left, table);
  if (left.kind === 'fib' && (right === 'exists' || right === 'missing'))
    return `${text} ${op === '!=' ? '!= ' : ''}${right}`;
  if (TYPES[type].flags) return `${text} ${op === '!=' ? '! ' : ''}${formatRight(type, right)}`;
  // == is left out where nft leaves it out in its listings.
  const operator = op === '==' && left.kind !== 'bitwise' ? '' : `${op} `;
  return `${text} ${operator}${formatRight(type, right)}`;
}

function formatNat(statement: StatementOf<'dnat' | 'snat'>, table: Table): string {
  const { kind, family, to, port } = statement;
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const both = statement.withPort || yieldsPort(to, table);
  const target = formatExpression(to, table, address);
  if (!port) return `${kind} ${family}${both ? ' addr . port' : ''} to ${target}`;
  const quoted = family === 'ip6' && to.kind === 'value' ? `[${target}]` : target;
  return `${kind} ${family} to ${quoted}:${formatExpression(port, table, 'inet_service')}`;
}

const REJECTS: Readonly<Record<Table['family'], string>> = {
  ip: 'icmp',
  ip6: 'icmpv6',
  inet: 'icmpx',
  bridge: 'icmpx',
  arp: 'icmpx',
  netdev: 'icmpx',
};
const UNREACHABLE = { ip: 'host-unreachable', ip6: 'addr-unreachable' } as const;

function formatReject({ with: reason }: StatementOf<'reject'>, { family }: Table): string {
  if (reason === 'tcp-reset') return 'reject with tcp reset';
  const name = reason === 'host-unreachable' && family === 'ip6' ? UNREACHABLE.ip6 : reason;
  return `reject with ${REJECTS[family]} ${name}`;
}

function formatUpdate({ op, set, key, data, timeout }: StatementOf<'update'>, table: Table): string {
  const target = setNamed(table, set);
  const dataType = target.data !== undefined && target.data !== 'verdict' ? target.data[0] : undefined;
  const value = data ? ` : ${formatExpression(data, table, dataType)}` : '';
  return `${op} @${checkName(set)} { ${formatExpression(key, table)}${timeout === undefined ? '' : ` timeout ${timeout}s`}${value} }`;
}

function formatTproxy({ family, address, port }: StatementOf<'tproxy'>): string {
  if (address === undefined) return `tproxy ${family} to :${port}`;
  const text = TYPES[family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'].format(address);
  return `tproxy ${family} to ${family === 'ip6' ? `[${text}]` : text}:${port}`;
}

const constantOf = (to: Expression, table: Table): string => formatExpression(to, table, 'mark');

/** nft syntax of a statement. */
export function formatStatement(statement: Statement, table: Table): string {
  switch (statement.kind) {
    case 'match':
      return formatMatch(statement, table);
    case 'lookup':
      return `${formatExpression(statement.key, table)} ${statement.invert ? '!= ' : ''}@${checkName(statement.set)}`;
    case 'vmap':
      return `${formatExpression(statement.key, table)} vmap @${checkName(statement.map)}`;
    case 'verdict':
      return formatVerdict(statement.verdict);
    case 'set-mark':
      return `meta mark set ${constantOf(statement.to, table)}`;
    case 'set-ct-mark':
      return `ct mark set ${constantOf(statement.to, table)}`;
    case 'dnat':
    case 'snat':
      return formatNat(statement, table);
    case 'masquerade':
      return `masquerade${statement.fullyRandom ? ' fully-random' : ''}`;
    case 'redirect':
      return `redirect${statement.port === undefined ? '' : ` to :${TYPES.inet_service.format(statement.port)}`}`;
    case 'tproxy':
      return formatTproxy(statement);
    case 'reject':
      return formatReject(statement, table);
    case 'log':
      return [
        'log',
        ...(statement.prefix === undefined ? [] : ['prefix', quote(statement.prefix)]),
        ...(statement.group === undefined ? [] : ['group', statement.group]),
      ].join(' ');
    case 'limit':
      return `limit rate ${statement.over ? 'over ' : ''}${statement.rate}/${statement.per} burst ${statement.burst ?? 5} packets`;
    case 'quota':
      return `quota ${statement.over ? 'over ' : ''}${statement.bytes} bytes`;
    case 'update':
      return formatUpdate(statement, table);
    case 'counter':
    case 'notrack':
      return statement.kind;
  }
}
