// Writes as fast as it can and prints each write when it is acknowledged, until it is killed.
import { Store } from './store.ts';

const [, , directory = '', round = '0'] = process.argv;
const store = await Store.open({ directory, rotateBytes: 20_000 });
process.stdout.write('\n');
for (let i = 0; ; i++) {
  const value = String(Number(round) * 1_000_000 + i);
  const names = [`a${i % 50}`, `b${i % 7}`];
  await Promise.all(
    names.map(async (name) => {
      await store.put('ConfigMap', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'default' },
        data: { value },
      });
      process.stdout.write(`${name} ${value}\n`);
    }),
  );
}
