import fs from 'node:fs';

const LOST: Readonly<Record<string, string>> = {
  '/etc/hosts': 'its programs do not know localhost, their own name and hostAliases',
  '/etc/resolv.conf': 'its programs have no DNS',
};

/** Whether a pod's own file can be laid over the host's: not over one that is not there, or a link that leads nowhere. */
export function canCover(target: string): boolean {
  return fs.existsSync(target);
}

/** What a pod's programs have to do without, one line per file the machine lacks. */
export function missingFiles(exists: (target: string) => boolean = canCover): string[] {
  return Object.entries(LOST)
    .filter(([target]) => !exists(target))
    .map(
      ([target, lost]) =>
        `this machine has no ${target} that the pod's own could be laid over, so ${lost}; create it (an empty file will do) and start the pod again`,
    );
}
