/** Versions of the CNI specification the plugin speaks, oldest first. */
export const CNI_VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof CNI_VERSIONS)[number];
export const LATEST_CNI_VERSION: CniVersion = '1.1.0';

export const CNI_COMMANDS = ['ADD', 'DEL', 'CHECK', 'STATUS', 'GC', 'VERSION'] as const;
export type CniCommand = (typeof CNI_COMMANDS)[number];

/** The first version that knows a verb; the others exist in all. */
const SINCE: Partial<Record<CniCommand, CniVersion>> = { CHECK: '0.4.0', STATUS: '1.1.0', GC: '1.1.0' };

export function isCniVersion(text: unknown): text is CniVersion {
  return CNI_VERSIONS.some((v) => v === text);
}

/** Whether version a is b or newer. */
export function atLeast(a: CniVersion, b: CniVersion): boolean {
  return CNI_VERSIONS.indexOf(a) >= CNI_VERSIONS.indexOf(b);
}

export function knowsCommand(version: CniVersion, command: CniCommand): boolean {
  const since = SINCE[command];
  return since === undefined || atLeast(version, since);
}
