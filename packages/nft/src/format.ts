import { formatDuration, TYPES } from './data-type.ts';
import { checkSingle } from './encode-element.ts';
import { sizeOf, statementsOf } from './encode-set.ts';
import { nftError } from './errors.ts';
import { formatElement, formatElementStatement } from './format-element.ts';
import { formatFlowtable, formatObject } from './format-object.ts';
import { formatStatement } from './format-statement.ts';
import type { BaseChain, Chain, DataType, NamedSet, Rule, SetElement, Table } from './model.ts';
import { checkIfname, checkName, formatComment } from './name.ts';
import { checkRule } from './rule-check.ts';
import { decodeBounds, encodeBounds, isInterval } from './value.ts';
import { checkPriority, milliseconds, whole } from './whole-number.ts';

/** The flags line of a set, in nft's words. */
function setFlags(set: NamedSet): string[] {
  return [
    ...(set.constant ? ['constant'] : []),
    ...(set.interval ? ['interval'] : []),
    ...(set.dynamic ? ['dynamic'] : []),
    ...(set.timeout !== undefined || set.hasTimeouts ? ['timeout'] : []),
  ];
}

/** A set or map in nft syntax, tab-indented as `nft list` writes it. */
export function formatSet(set: NamedSet): string {
  const elements = set.interval ? set.elements : set.elements.map((element) => singleElement(set, element));
  const flags = setFlags(set);
  const size = sizeOf(set);
  const keeps = statementsOf(set).map(formatElementStatement);
  const lines = [
    `type ${set.key.map(checkType).join(' . ')}${dataText(set)}`,
    ...(set.policy === 'memory' ? ['policy memory'] : []),
    ...(size === undefined ? [] : [`size ${whole(size, 32)}`]),
    ...(flags.length ? [`flags ${flags.join(',')}`] : []),
    ...(keeps.length ? [keeps.join(' ')] : []),
    ...(set.timeout === undefined ? [] : [`timeout ${formatDuration(set.timeout)}`]),
    ...(set.gcInterval === undefined ? [] : [`gc-interval ${formatDuration(milliseconds(set.gcInterval, 32) / 1000)}`]),
    ...(set.autoMerge ? ['auto-merge'] : []),
    ...formatComment(set.comment),
    ...(elements.length ? [`elements = { ${elements.map((e) => formatElement(set, e)).join(',\n\t\t\t     ')} }`] : []),
  ];
  return `\t${isMap(set) ? 'map' : 'set'} ${checkName(set.name)} {\n${lines.map((l) => `\t\t${l}\n`).join('')}\t}\n`;
}

/** Only sets with intervals hold ranges; a prefix of all bits is an address. */
function singleElement(set: NamedSet, element: SetElement): SetElement {
  if (!element.key.some(isInterval)) return element;
  checkSingle(set, element);
  const key = element.key.map((value, i) => {
    const type = set.key[i] ?? 'mark';
    return isInterval(value) ? decodeBounds(type, encodeBounds(type, value)) : value;
  });
  return { ...element, key };
}

export const isMap = ({ data, objects }: NamedSet): boolean => data !== undefined || objects !== undefined;

function dataText({ data, objects, dataInterval }: NamedSet): string {
  if (objects !== undefined) return ` : ${objects}`;
  if (data === undefined) return '';
  return ` : ${dataInterval ? 'interval ' : ''}${data === 'verdict' ? data : data.map(checkType).join(' . ')}`;
}

function checkType(type: DataType): DataType {
  if (!Object.hasOwn(TYPES, type)) throw nftError('NFT_BAD_RULESET', `nft has no data type ${JSON.stringify(type)}`);
  return type;
}

export function formatRule(rule: Rule, table: Table): string {
  const statements = rule.statements.map((statement) => formatStatement(statement, table));
  return [...statements, ...formatComment(rule.comment)].join(' ');
}

/** The interfaces of an ingress or egress hook. */
export const devicesOf = ({ device, devices }: BaseChain): readonly string[] =>
  devices ?? (device === undefined ? [] : [device]);

/** `type filter hook forward priority 0; policy accept;` */
export function formatHook({ base }: Chain): string {
  if (!base) return '';
  const devices = devicesOf(base).map((device) => `"${checkIfname(device)}"`);
  const device =
    devices.length > 1 ? ` devices = { ${devices.join(', ')} }` : devices.map((d) => ` device ${d}`).join('');
  const policy = `${base.offload ? ' flags offload;' : ''} policy ${base.policy ?? 'accept'};`;
  return `type ${base.type} hook ${base.hook}${device} priority ${checkPriority(base.priority)};${policy}`;
}

function formatChain(chain: Chain, table: Table): string {
  for (const rule of chain.rules) checkRule(rule, table);
  const lines = [
    ...formatComment(chain.comment),
    ...(chain.base ? [formatHook(chain)] : []),
    ...chain.rules.map((rule) => formatRule(rule, table)),
  ];
  return `\tchain ${checkName(chain.name)} {\n${lines.map((l) => `\t\t${l}\n`).join('')}\t}\n`;
}

/**
 * The table in nft syntax; `nft -f` loads it, in an empty namespace to the same ruleset that Nft.apply makes.
 * Throws what `apply` throws before it asks the kernel. Text of rules that set a port needs a match on the transport protocol before (nft insists, the kernel does not).
 */
export function formatTable(table: Table): string {
  const flags = [...(table.dormant ? ['dormant'] : []), ...(table.owner ? ['owner'] : [])];
  const parts = [
    ...formatComment(table.comment).map((line) => `\t${line}\n`),
    ...(flags.length ? [`\tflags ${flags.join(', ')}\n`] : []),
    ...(table.objects ?? []).map(formatObject),
    ...(table.flowtables ?? []).map(formatFlowtable),
    ...table.sets.map(formatSet),
    ...table.chains.map((chain) => formatChain(chain, table)),
  ];
  return `table ${table.family} ${checkName(table.name)} {\n${parts.join('\n')}}\n`;
}
