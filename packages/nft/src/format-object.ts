import { formatDuration } from './data-type.ts';
import { timeoutState } from './encode-object.ts';
import { formatQuota, formatRate } from './format-element.ts';
import { formatSynproxy } from './format-statement.ts';
import type { Flowtable, NamedObject } from './model.ts';
import { checkIfname, checkName, checkObjectName, checkWord, formatComment } from './name.ts';
import { checkPriority, milliseconds, whole } from './whole-number.ts';

/** A named object in nft syntax, tab-indented as `nft list` writes it. */
export function formatObject(object: NamedObject): string {
  const lines = [...formatComment(object.comment), ...objectLines(object)];
  return `\t${object.kind} ${checkObjectName(object.kind, object.name)} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
}

function objectLines(object: NamedObject): string[] {
  switch (object.kind) {
    case 'counter':
      return [`packets ${whole(object.packets ?? 0)} bytes ${whole(object.bytes ?? 0)}`];
    case 'quota':
      return [formatQuota(object)];
    case 'limit':
      return [`rate ${formatRate(object)}`];
    case 'ct helper':
      return [`type "${checkWord(object.helper)}" protocol ${object.protocol}`, `l3proto ${object.l3proto ?? 'inet'}`];
    case 'ct timeout':
      return [
        `protocol ${object.protocol}`,
        `l3proto ${object.l3proto ?? 'inet'}`,
        `policy = { ${formatPolicy(object)} }`,
      ];
    case 'ct expectation':
      return [
        `protocol ${object.protocol}`,
        `dport ${whole(object.dport, 16)}`,
        `timeout ${formatDuration(milliseconds(object.timeout, 32) / 1000)}`,
        `size ${whole(object.size, 8)}`,
        `l3proto ${object.l3proto ?? 'inet'}`,
      ];
    case 'synproxy':
      return synproxyLines(object);
    case 'secmark':
      return [`"${checkWord(object.context)}"`];
  }
}

function formatPolicy({ name, protocol, policy }: Extract<NamedObject, { kind: 'ct timeout' }>): string {
  return Object.entries(policy)
    .map(([state, seconds]) => timeoutState(name, protocol, state) && `${state} : ${whole(seconds, 32)}`)
    .join(', ');
}

/** As the statement, but every number on a line of its own. */
function synproxyLines({ mss, wscale, timestamp, sackPerm }: Extract<NamedObject, { kind: 'synproxy' }>): string[] {
  const numbers = formatSynproxy({ ...(mss !== undefined && { mss }), ...(wscale !== undefined && { wscale }) });
  const flags = [...(timestamp ? ['timestamp'] : []), ...(sackPerm ? ['sack-perm'] : [])];
  return [
    ...[...numbers.matchAll(/(mss|wscale) \d+/g)].map(([text]) => text),
    ...(flags.length ? [flags.join(' ')] : []),
  ];
}

/** A flowtable in nft syntax. */
export function formatFlowtable({ name, priority, devices, offload, counter }: Flowtable): string {
  const lines = [
    `hook ingress priority ${checkPriority(priority)}`,
    ...(devices.length ? [`devices = { ${devices.map((device) => `"${checkIfname(device)}"`).join(', ')} }`] : []),
    ...(counter ? ['counter'] : []),
    ...(offload ? ['flags offload'] : []),
  ];
  return `\tflowtable ${checkName(name)} {\n${lines.map((line) => `\t\t${line};\n`).join('')}\t}\n`;
}
