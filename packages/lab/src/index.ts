export type { CheckRow } from './check/world.ts';
export type { Progress, ProxyModeOutcome } from './control.ts';
export { LAB_ERRORS } from './errors.ts';
export { type LabConfig, parseLabConfig } from './lab-config.ts';
export { type LabLock, lockLab } from './lab-lock.ts';
export { type LabPaths, labPaths, requireLabName } from './lab-paths.ts';
export { type DaemonIdentity, labExists, labNames, runningDaemon, type Swept, sweepLab } from './sweep.ts';
export { type Surroundings, unreadyReason } from './unready-reason.ts';
export const DAEMON_FILE = new URL('./daemon.ts', import.meta.url).pathname;
