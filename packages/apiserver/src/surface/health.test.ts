import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restBench } from '../core/rest.fixture.ts';
import { type HealthCheck, healthPages } from './health.ts';

test('a server tells what it looks at', async (t) => {
  const { ask } = await restBench(t);
  for (const path of ['/healthz', '/livez', '/readyz', '/livez/ping', '/readyz/etcd', '/readyz/shutdown'])
    assert.equal((await ask(`GET ${path}`)).text, 'ok', path);
  const { text } = await ask('GET /livez?verbose');
  assert.match(
    text,
    /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd ok\n(\[\+\]poststarthook\/\S+ ok\n)+livez check passed\n$/,
  );
  assert.match((await ask('GET /readyz?verbose=1')).text, /\n\[\+\]shutdown ok\nreadyz check passed\n$/);
  for (const path of ['/livez/nothing', '/livez/shutdown']) assert.equal((await ask(`GET ${path}`)).code, 404, path);
});

test('what fails is named, unless it is excluded', () => {
  const checks: HealthCheck[] = [
    { name: 'ping', failure: () => undefined },
    { name: 'etcd', failure: () => 'etcd does not answer' },
  ];
  const pages = healthPages(checks);
  const ask = (path: string, query = '') => {
    const { status, body } = pages({ method: 'GET', path, query: new URLSearchParams(query) }) ?? {};
    return [status, body];
  };
  assert.deepEqual(ask('/readyz'), [500, '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n']);
  assert.deepEqual(ask('/readyz/etcd'), [500, 'internal server error: etcd does not answer\n']);
  assert.deepEqual(ask('/readyz', 'exclude=etcd'), [200, 'ok']);
  const warning = 'warn: some health checks cannot be excluded: no matches for "x"';
  assert.deepEqual(ask('/livez', 'exclude=etcd&exclude=x&verbose'), [
    200,
    `[+]ping ok\n[+]etcd excluded: ok\n${warning}\nlivez check passed\n`,
  ]);
});
