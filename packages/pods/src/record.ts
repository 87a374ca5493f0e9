import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { IpAddress } from '@podwire/base';
import { PodwireError, tryParseIp } from '@podwire/base';
import type { Attachment } from './attachment.ts';
import { isRecord } from './json.ts';

/** What the room keeps over a restart; all but the order of release can also be read back from the kernel. */
export interface PodsRecord {
  readonly attachments: readonly Attachment[];
  readonly released: readonly IpAddress[];
}

const FORMAT = 1;

export function formatRecord(record: PodsRecord): string {
  return JSON.stringify({ format: FORMAT, ...record });
}

/** Undefined when the text is not a record of ours: cut short, of another format, or edited. */
export function parseRecord(text: string): PodsRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json) || json.format !== FORMAT || !Array.isArray(json.attachments) || !Array.isArray(json.released))
    return undefined;
  if (!json.attachments.every(isAttachment)) return undefined;
  const released = json.released.map((a) => (typeof a === 'string' ? tryParseIp(a) : undefined));
  return released.includes(undefined)
    ? undefined
    : { attachments: json.attachments, released: released as IpAddress[] };
}

function isAttachment(value: unknown): value is Attachment {
  if (!isRecord(value)) return false;
  const texts = [
    value.containerId,
    value.ifName,
    value.network,
    value.netnsPath,
    value.address,
    value.mac,
    value.hostLink,
  ];
  const wired = value.wiring === 'ptp' || value.wiring === 'bridge';
  return (
    texts.every((t) => typeof t === 'string') &&
    tryParseIp(String(value.address)) !== undefined &&
    wired &&
    Array.isArray(value.hostPorts)
  );
}

/** Undefined when there is no file, or none that parses: the kernel then says what exists. */
export function readRecord(path: string): PodsRecord | undefined {
  try {
    return parseRecord(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new PodwireError('PODS_IO', `cannot read ${path}; check its directory`, { cause });
  }
}

/**
 * By temporary file and rename: a reader sees the old or the new record. Not synced to disk, since after a power loss
 * the namespaces it speaks of are gone as well.
 */
export function writeRecord(path: string, record: PodsRecord): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, formatRecord(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new PodwireError('PODS_IO', `cannot write ${path}; check space and permissions of its directory`, { cause });
  }
}
