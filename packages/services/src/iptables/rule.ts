import type { IpAddress, Prefix } from '@podwire/base';
import type { Protocol } from '../model.ts';

export type TableName = 'nat' | 'filter';

/** The arguments behind `-A CHAIN`, in the order and notation in which iptables-save prints them. */
export type Rule = readonly string[];

export interface Chain {
  readonly table: TableName;
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** What a packet has to be like, and what becomes of it. Everything absent matches all. */
export interface RuleSpec {
  readonly source?: IpAddress | Prefix | undefined;
  readonly notSource?: Prefix | undefined;
  readonly destination?: IpAddress | Prefix | undefined;
  /** Where it did not come in: the name of a link; what is sent from here came in nowhere. */
  readonly notIn?: string;
  readonly protocol?: Protocol;
  /** For people; any text. */
  readonly comment?: string;
  /** Further matches, as arguments. */
  readonly match?: readonly string[];
  /** Of the destination; needs `protocol`. */
  readonly port?: number;
  /** Target and its options. */
  readonly jump: readonly string[];
}

export function rule(spec: RuleSpec): Rule {
  const { source, notSource, destination, notIn, protocol, comment, match = [], port, jump } = spec;
  return [
    ...(notSource ? ['!', '-s', notSource] : []),
    ...(source ? range('-s', source) : []),
    ...(destination ? range('-d', destination) : []),
    ...(notIn ? ['!', '-i', notIn] : []),
    ...(protocol ? ['-p', protocol] : []),
    ...(comment ? ['-m', 'comment', '--comment', commentText(comment)] : []),
    ...match,
    ...(protocol && port !== undefined ? ['-m', protocol, '--dport', `${port}`] : []),
    '-j',
    ...jump,
  ];
}

/** Everything is no condition, and iptables-save does not print it. */
function range(flag: string, address: IpAddress | Prefix): string[] {
  if (address.endsWith('/0')) return [];
  return [flag, address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`];
}

/** XT_MAX_COMMENT_LEN is 256; what needs a backslash takes two places. */
const MAX_COMMENT = 120;

/** What a comment may hold: printable ASCII. Control characters would end the line of the rule. */
export function commentText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_COMMENT);
}

const PLAIN = /^[\w-]+$/;
/** What our own arguments consist of beside comments. */
const BARE = /^[\w\-.:/,![\]]+$/;

/** One rule as iptables-save prints it and iptables-restore reads it (xtables_save_string, add_param_to_argv). */
export function formatRule(args: Rule): string {
  return args.map((arg, i) => (args[i - 1] === '--comment' ? quoted(arg, PLAIN) : quoted(arg, BARE))).join(' ');
}

function quoted(text: string, plain: RegExp): string {
  return plain.test(text) ? text : `"${text.replace(/["'\\]/g, '\\$&')}"`;
}
