import { labExists, lockLab, sweepLab } from '@podwire/lab';
import { becomeRoot } from './root.ts';

export async function down(name: string): Promise<number> {
  becomeRoot();
  const lock = lockLab(name);
  try {
    return await remove(name);
  } finally {
    lock.release();
  }
}

async function remove(name: string): Promise<number> {
  if (!labExists(name)) {
    console.log(`lab "${name}" is not there; nothing to remove`);
    return 0;
  }
  const started = performance.now();
  const { daemon, namespaces, processes } = await sweepLab(name, { state: true });
  const parts = [
    daemon ? 'its daemon' : 'no daemon (it had ended before)',
    `${namespaces} namespaces`,
    `${processes} processes left in them`,
  ];
  console.log(`lab "${name}" removed in ${((performance.now() - started) / 1000).toFixed(1)} s: ${parts.join(', ')}`);
  return 0;
}
