import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';

/** One file of a volume. */
export interface PayloadFile {
  readonly data: Buffer | string;
  readonly mode: number;
}

export type Payload = ReadonlyMap<string, PayloadFile>;

/** Whom the files belong to. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Makes a directory have exactly these files, all at once for who reads them, as kubelets do. Throws LAB_VOLUME for a path
 * that leads elsewhere, or has the name of what is there for the volume itself.
 *
 *     token ─▶ ..data/token      ..data ─▶ ..9f3a1c (replaced by a rename)      ..9f3a1c/token
 */
export function writePayload(directory: string, payload: Payload, owner: Owner = {}): void {
  for (const file of payload.keys()) requireInside(file);
  const name = `..${randomBytes(6).toString('hex')}`;
  const fresh = path.join(directory, name);
  fs.mkdirSync(fresh, { recursive: true, mode: 0o755 });
  for (const [file, { data, mode }] of payload) {
    const at = path.join(fresh, file);
    fs.mkdirSync(path.dirname(at), { recursive: true, mode: 0o755 });
    fs.writeFileSync(at, data, { mode });
    fs.chmodSync(at, mode);
    fs.chownSync(at, owner.uid ?? 0, owner.gid ?? 0);
  }
  const link = path.join(directory, '..data');
  const old = readLink(link);
  // Of a process that ended here before.
  fs.rmSync(`${link}.new`, { force: true });
  fs.symlinkSync(name, `${link}.new`);
  fs.renameSync(`${link}.new`, link);
  linkEntries(directory, new Set([...payload.keys()].map((file) => file.split('/')[0] ?? '')));
  if (old) fs.rmSync(path.join(directory, old), { recursive: true, force: true });
}

function requireInside(file: string): void {
  const parts = file.split('/');
  if (!file.startsWith('..') && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new PodwireError('LAB_VOLUME', `${JSON.stringify(file)} is no path within a volume`);
}

function linkEntries(directory: string, entries: ReadonlySet<string>): void {
  const present = fs.readdirSync(directory).filter((name) => !name.startsWith('..'));
  for (const name of present) if (!entries.has(name)) fs.rmSync(path.join(directory, name), { force: true });
  for (const name of entries)
    if (!present.includes(name)) fs.symlinkSync(path.join('..data', name), path.join(directory, name));
}

function readLink(link: string): string | undefined {
  try {
    return fs.readlinkSync(link);
  } catch {
    return undefined;
  }
}
