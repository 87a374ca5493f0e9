/**
 * Writes a second of the API server's store, with 1, 16 and 256 writers that each wait for their acknowledgement: to a
 * directory (an fdatasync for all that wait) and to an etcd of one member on this machine (a transaction for all that wait).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Store } from '../packages/apiserver/src/core/store.ts';
import { EtcdState } from '../packages/apiserver/src/state/etcd-state.ts';
import { EtcdProcess } from '../packages/apiserver/src/testing/etcd.ts';
import { printParts } from './part.ts';
import { inTurn, median, ratios, spread } from './turns.ts';

const SECONDS = 1;
const ROUNDS = 5;
const WRITERS = [1, 16, 256] as const;
const GOALS: Readonly<Record<number, { readonly must: number; readonly stretch: number }>> = {
  16: { must: 3, stretch: 8 },
  256: { must: 8, stretch: 32 },
};

const object = (name: string, n: number) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { n: String(n), text: 'x'.repeat(500) },
});

async function rate(store: Store, writers: number): Promise<number> {
  const began = performance.now();
  const until = began + SECONDS * 1000;
  let done = 0;
  const writer = async (id: number) => {
    for (let n = 0; performance.now() < until; n++) {
      await store.put('ConfigMap', object(`w${id}-${n % 8}`, n));
      done++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, id) => writer(id)));
  return done / ((performance.now() - began) / 1000);
}

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-bench-'));
const etcd = await EtcdProcess.start();
const stores = {
  directory: await Store.open({ directory }),
  etcd: await Store.open({ backend: await EtcdState.open({ servers: [etcd.url] }) }),
};
try {
  const contestants = Object.entries(stores).flatMap(([where, store]) =>
    WRITERS.map((writers) => [`${where}${writers}`, () => rate(store, writers)] as const),
  );
  const rates = await inTurn<string>(ROUNDS, Object.fromEntries(contestants));
  const [first = 1] = WRITERS;
  printParts(
    'store',
    Object.keys(stores).flatMap((where) =>
      WRITERS.slice(1).map((writers) => {
        const [alone = [], together = []] = [rates[`${where}${first}`], rates[`${where}${writers}`]];
        return {
          name: `${where}-${writers}`,
          ratio: median(ratios(together, alone)),
          ...(GOALS[writers] ?? { must: 1, stretch: 1 }),
          detail: `writes a second: ${spread(together, '', 0)} of ${writers} writers, ${spread(alone, '', 0)} of one`,
        };
      }),
    ),
  );
} finally {
  await stores.directory.close();
  await stores.etcd.close();
  await etcd.stop();
  rmSync(directory, { recursive: true });
}
