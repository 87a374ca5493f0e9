import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Store } from '../core/store.ts';
import { testStore } from './store-contract.fixture.ts';

testStore('directory', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-contract-'));
  return {
    open: () => Store.open({ directory, rotateBytes: 50_000 }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
});
