import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

const NOBODY = 65_534;

test('without the capability the error names it', () => {
  const code = `
    import { createMap } from ${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))};
    process.setgid(${NOBODY});
    process.setuid(${NOBODY});
    try {
      createMap({ type: 'lpm_trie', key: 8, value: 4, maxEntries: 1 });
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
  const { stdout } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  assert.match(stdout, /^KERNEL_PERMISSION create BPF map .*CAP_BPF/);
});
