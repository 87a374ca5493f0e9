import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Players } from '../players/players.ts';
import { createBuiltinEngine } from './builtin-engine.ts';
import type { ContainerSpec } from './container-engine.ts';
import { ContainerMounts } from './container-mounts.ts';
import { userOf } from './container-user.ts';

const NO_PLAYERS = {} as Players;

test('runAsNonRoot without a user starts no program of the host and no image of root', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-engine-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const engine = createBuiltinEngine(NO_PLAYERS);
  const create = (image: string, command: readonly string[], securityContext: object) => {
    const pod = { metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [], securityContext } };
    const mounts = new ContainerMounts({ directory: path.join(directory, 'mounts'), binds: [], warn: () => {} });
    const user = userOf(pod, { name: 'c' });
    const spec = { image, command, args: [], env: {}, ports: [], mounts, user, logPath: path.join(directory, 'a.log') };
    return engine.create(spec as unknown as ContainerSpec);
  };
  const refused = {
    code: 'LAB_CONTAINER_CONFIG',
    message: 'container has runAsNonRoot and image will run as root (pod: "p_n(u)", container: c)',
  };
  const nonRoot = { runAsNonRoot: true };
  for (const [image, ...command] of [['nginx:1.27'], ['registry.k8s.io/agnhost'], ['busybox'], ['app', '/bin/sh']]) {
    assert.ok(image);
    await assert.rejects(create(image, command, nonRoot), refused, image);
    await create(image, command, { ...nonRoot, runAsUser: 1000 });
    await create(image, command, {});
  }
  for (const image of ['nginx-unprivileged', 'pause', 'shop/app:1']) await create(image, [], nonRoot);
});
