import fs from 'node:fs';
import { type IpAddress, tryParseIp } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { endpointName } from '../model.ts';
import { type EntryKey, entryId } from './layout.ts';

/** Of a netns: netlink has no connections of IPVS. A process may have threads in several. */
const LISTING = '/proc/thread-self/net/ip_vs_conn';
const COLUMNS = /^Pro +FromIP +FPrt +ToIP +TPrt +DestIP +DPrt +State /;
/** Both ends of such a connection have said that nothing more is to come. */
const CLOSED: ReadonlySet<string> = new Set(['TIME_WAIT', 'CLOSE']);

/** Whether there is a connection to an entry that has a destination, `address:port`, and is not closed. */
export type IsOpen = (entry: EntryKey, destination: string) => boolean;

/**
 * Undefined: this kernel does not tell. It tells in pieces, and a connection whose line moves between two of them, because
 * others have ended, is missing: who must not take it for closed asks for the kernel's count, too.
 */
export function observeOpen(netns?: Netns): IsOpen | undefined {
  const read = () => fs.readFileSync(LISTING, 'utf8');
  try {
    return openIn(netns ? netns.run(read) : read());
  } catch {
    return undefined;
  }
}

/**
 * Reads `Pro FromIP FPrt ToIP TPrt DestIP DPrt State Expires ...` of ip_vs_conn_seq_show, all numbers but the last in
 * base 16. From port 0 are templates of persistent clients, which are no connections. Undefined: it is something else.
 */
export function openIn(listing: string): IsOpen | undefined {
  if (!COLUMNS.test(listing)) return undefined;
  const open = new Set<string>();
  for (const line of listing.split('\n').slice(1)) {
    const [protocol = '', , from, to = '', toPort = '', destination = '', port = '', state = ''] = line.split(/\s+/);
    if (from === '0000' || CLOSED.has(state)) continue;
    open.add(`${addressOf(to)} ${protocol.toLowerCase()} ${portOf(toPort)} ${nameOf(destination, port)}`);
  }
  return (entry, destination) => open.has(`${entryId(entry)} ${destination}`);
}

const portOf = (text: string): number => Number.parseInt(text, 16);

/** `0A600101`, `fd00:0096:0000:0000:0000:0000:0000:0001`, which brackets may be around. */
function addressOf(text: string): IpAddress | undefined {
  const plain = text.replace(/[[\]]/g, '');
  return tryParseIp(plain.includes(':') ? plain : Buffer.from(plain, 'hex').join('.'));
}

function nameOf(address: string, port: string): string {
  const parsed = addressOf(address);
  return parsed === undefined ? '' : endpointName({ address: parsed, port: portOf(port) });
}
