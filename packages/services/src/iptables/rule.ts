import type { IpAddress, Prefix } from '@podwire/base';
import type { Protocol } from '../model.ts';

export type TableName = 'nat' | 'filter';

/** What stands behind `-A CHAIN `, as iptables-save prints it and iptables-restore reads it. */
export type Rule = string;

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
  /** Further matches: options as they are, so never a name of an object. */
  readonly match?: string;
  /** Of the destination; needs `protocol`. */
  readonly port?: number;
  /** Target and its options, likewise. */
  readonly jump: string;
}

export function rule(spec: RuleSpec): Rule {
  const { source, notSource, destination, notIn, protocol, comment, match, port, jump } = spec;
  let text = '';
  if (notSource) text += `! -s ${notSource} `;
  if (source && !source.endsWith('/0')) text += `-s ${range(source)} `;
  if (destination && !destination.endsWith('/0')) text += `-d ${range(destination)} `;
  if (notIn) text += `! -i ${notIn} `;
  if (protocol) text += `-p ${protocol} `;
  if (comment) text += `-m comment --comment ${commentText(comment)} `;
  if (match) text += `${match} `;
  if (protocol && port !== undefined) text += `-m ${protocol} --dport ${port} `;
  return `${text}-j ${jump}`;
}

/** The lines of a chain. */
export function linesOf(name: string, rules: readonly Rule[]): string {
  return rules.length ? `-A ${name} ${rules.join(`\n-A ${name} `)}` : '';
}

/** Everything (`/0`) is no condition, and iptables-save does not print it. */
function range(address: IpAddress | Prefix): string {
  return address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`;
}

/** XT_MAX_COMMENT_LEN is 256; what needs a backslash takes two places. */
const MAX_COMMENT = 120;
const BARE = /^[\w-]+$/;
/** Printable, and nothing that needs a backslash. */
const PLAIN = /^[ !#-&(-[\]-~]*$/;

/**
 * What a comment may hold: printable ASCII, for control characters would end the line of the rule. As iptables-save quotes
 * (xtables_save_string) and iptables-restore reads (add_param_to_argv).
 */
function commentText(text: string): string {
  const short = text.length > MAX_COMMENT ? text.slice(0, MAX_COMMENT) : text;
  if (PLAIN.test(short)) return BARE.test(short) ? short : `"${short}"`;
  return `"${short.replace(/[^\x20-\x7e]/g, '?').replace(/["'\\]/g, '\\$&')}"`;
}
