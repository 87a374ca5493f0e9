import { withNetns } from '@podwire/kernel/testing';
import koffi from 'koffi';
import { createEbpfProxy } from './ebpf-proxy.ts';
import { NodeNamespaces } from './namespaces.ts';
import { findPlace } from './place.ts';
import { SocketPlan } from './plan.ts';
import { SocketHooks } from './socket-hooks.ts';
import { SocketMaps } from './socket-maps.ts';
import { withSocketPlace } from './socket-place.fixture.ts';

const N = Number(process.argv[2] ?? 10000),
  CONNECTS = Number(process.argv[3] ?? 4000);
const services = new Map();
for (let i = 0; i < N; i++) {
  const address = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
  const ep = (n: number) => ({
    address: '127.0.0.1',
    port: 8081,
    ready: true,
    fallback: false,
    local: true,
    maybeLocal: true,
  });
  services.set(`default/s${i}`, {
    namespace: 'default',
    name: `s${i}`,
    clusterAddresses: [address],
    externalAddresses: [],
    loadBalancerAddresses: [],
    affinitySeconds: 0,
    internalLocal: false,
    externalLocal: false,
    ports: [{ name: '', protocol: 'tcp', port: 80, endpoints: [ep(1), { ...ep(2), address: '127.0.0.1' }] }],
  });
}
const view: any = {
  cluster: { podCidrs: [], serviceCidrs: [] },
  node: { name: 'n', addresses: [], nodePortAddresses: [], podCidrs: [] },
  services,
  foreign: new Map(),
};
const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int, int, int)');
const bind = libc.func('int bind(int, void*, uint32_t)');
const listen = libc.func('int listen(int, int)');
const accept = libc.func('int accept(int, void*, void*)');
const connect = libc.func('int connect(int, void*, uint32_t)');
const setsockopt = libc.func('int setsockopt(int, int, int, void*, uint32_t)');
const close = libc.func('int close(int)');
await withSocketPlace((where) =>
  withNetns(1, async (netns) => {
    const place = findPlace(where, where.runDirectory);
    const maps = new SocketMaps(place.pins);
    for (let round = 0; round < 3; round++) {
      const plan = new SocketPlan();
      const t = performance.now();
      const changes = plan.update(view, 'all');
      const t1 = performance.now();
      const n = round === 0 ? maps.write(changes) : maps.mend(plan.entries);
      console.log('plan', (t1 - t).toFixed(1), round ? 'mend' : 'write', (performance.now() - t1).toFixed(1), n);
    }
    const hooks = new SocketHooks(place, maps);
    const t = performance.now();
    new NodeNamespaces({ netns }, maps).refresh();
    const t2 = performance.now();
    hooks.attach(true);
    console.log('namespaces', (t2 - t).toFixed(1), 'attach', (performance.now() - t2).toFixed(1));
    const sockaddr = (address: number[], port: number) => {
      const b = Buffer.alloc(16);
      b.writeUInt16LE(2, 0);
      b.writeUInt16BE(port, 2);
      b.set(address, 4);
      return b;
    };
    const last = N - 1;
    const targets: Record<string, Buffer> = {
      endpoint: sockaddr([127, 0, 0, 1], 8081),
      service: sockaddr([10, 96 + (last >> 16), (last >> 8) & 255, last & 255], 80),
    };
    netns.run(() => {
      const on = Buffer.alloc(4),
        linger = Buffer.alloc(8);
      on.writeInt32LE(1);
      linger.writeInt32LE(1);
      const listener = socket(2, 1, 0);
      setsockopt(listener, 1, 2, on, 4);
      if (bind(listener, targets.endpoint, 16) !== 0 || listen(listener, 16) !== 0) throw new Error('listen');
      for (let run = 0; run < 4; run++) {
        if (run === 3) {
          hooks.close();
          for (const f of ['connect4']) {
          }
        }
        const times: Record<string, number[]> = { endpoint: [], service: [] };
        for (let n = 0; n < CONNECTS; n++)
          for (const [name, target] of Object.entries(targets)) {
            const fd = socket(2, 1, 0);
            const started = performance.now();
            if (connect(fd, target, 16) !== 0) throw new Error(`connect ${name}: errno ${koffi.errno()}`);
            times[name]!.push((performance.now() - started) * 1000);
            const accepted = accept(listener, null, null);
            setsockopt(fd, 1, 13, linger, 8);
            close(fd);
            close(accepted);
          }
        const p50 = (l: number[]) => l.sort((a, b) => a - b)[l.length >> 1]!;
        console.log(
          'p50 endpoint',
          p50(times.endpoint!).toFixed(2),
          'service',
          p50(times.service!).toFixed(2),
          'ratio',
          (p50(times.service!) / p50(times.endpoint!)).toFixed(3),
        );
      }
      close(listener);
    });
    hooks.close();
    maps.close();
  }),
);
process.exit();
