import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PodwireError } from '@podwire/base';
import { LATEST_CNI_VERSION } from './cni-version.ts';

/** First by name wins among the files of the directory; others use 05- or 10-. */
export const CONFLIST_NAME = '10-podwire.conflist';
/** File name of the CNI binary, and `type` in the configuration. */
export const SHIM_NAME = 'podwire-cni';
const NETWORK_NAME = 'podwire';

/** The network configuration list a container runtime reads (CNI specification, section 1). */
export function formatConflist(): string {
  const plugin = { type: SHIM_NAME, capabilities: { portMappings: true, ips: true } };
  return `${JSON.stringify({ cniVersion: LATEST_CNI_VERSION, name: NETWORK_NAME, plugins: [plugin] }, null, 2)}\n`;
}

/** The configuration of the one plugin, as a runtime makes it of the list; for runtimes that call the socket directly. */
export function pluginConfig(runtimeConfig: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ cniVersion: LATEST_CNI_VERSION, name: NETWORK_NAME, type: SHIM_NAME, runtimeConfig });
}

/**
 * Writes the conflist by temporary file and rename. Its presence tells kubelet that the network works, so call it last
 * and only when STATUS would be 0 (POD-20). Returns the path.
 */
export function writeConflist(directory: string): string {
  const path = join(directory, CONFLIST_NAME);
  const temporary = join(directory, `.${CONFLIST_NAME}.new`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    writeFileSync(temporary, formatConflist(), { mode: 0o644 });
    renameSync(temporary, path);
  } catch (cause) {
    throw new PodwireError('PODS_IO', `cannot write ${path}; check space and permissions of the directory`, { cause });
  }
  return path;
}

/** For uninstalling only, not for a restart. False when there was none. */
export function removeConflist(directory: string): boolean {
  try {
    rmSync(join(directory, CONFLIST_NAME));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
