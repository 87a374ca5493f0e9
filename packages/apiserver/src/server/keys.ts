import path from 'node:path';
import { nthAddress } from '@podwire/base';
import { withFiles } from '../core/file-error.ts';
import { openSigningKey, type SigningKey } from '../identity/signing-key.ts';
import type { Pki } from '../seam.ts';
import { openPki } from '../surface/index.ts';
import type { CompleteOptions } from './api-server.ts';

const NAMES = [
  'localhost',
  '127.0.0.1',
  '::1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

export interface Keys {
  readonly pki: Pki;
  /** Of tokens of service accounts. */
  readonly signing: SigningKey;
}

/** From the directory, made where they are missing; without one of this process only. */
export async function openKeys(options: CompleteOptions): Promise<Keys> {
  const names = servingNames(options);
  const directory = options.directory === undefined ? undefined : path.join(options.directory, 'pki');
  const where = directory === undefined ? { names } : { names, directory };
  const pki = await withFiles(directory, () => openPki(where));
  return { pki, signing: await openSigningKey(directory) };
}

function servingNames({ serviceCidrs, servingNames: more = [], advertise }: CompleteOptions): string[] {
  const first = serviceCidrs.slice(0, 1).map((cidr) => nthAddress(cidr, 1));
  return [...new Set([...NAMES, ...first, ...more, ...(advertise ? [advertise.address] : [])])];
}
