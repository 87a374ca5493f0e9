import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PodwireError } from '@podwire/base';
import fc from 'fast-check';
import { parseCniCall } from './cni-call.ts';
import { CNI_VERSIONS } from './cni-version.ts';
import { CNI_CODES, PODS_ERRORS } from './errors.ts';

const ENV = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c0ffee', CNI_NETNS: '/run/netns/x', CNI_IFNAME: 'eth0' };
const config = (more: object = {}) =>
  JSON.stringify({ cniVersion: '1.1.0', name: 'podwire', type: 'podwire-cni', ...more });
const codeOf = (env: Record<string, string>, stdin: string) => {
  try {
    parseCniCall(env, stdin);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PodwireError, String(error));
    return CNI_CODES[error.code as keyof typeof CNI_CODES];
  }
};

describe('CNI call', () => {
  test('is read with its arguments', () => {
    const call = parseCniCall(
      { ...ENV, CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web;bare' },
      config({ runtimeConfig: { ips: [] } }),
    );
    assert.deepEqual(call.args, { IgnoreUnknown: '1', K8S_POD_NAME: 'web' });
    assert.deepEqual(call.config.runtimeConfig, { ips: [] });
    assert.equal(call.netnsPath, '/run/netns/x');
  });

  test('errors have the numbers of the specification', () => {
    const cases: [number | undefined, Record<string, string>, string][] = [
      [undefined, ENV, config()],
      [4, { ...ENV, CNI_COMMAND: 'add' }, config()],
      [4, { ...ENV, CNI_CONTAINERID: '' }, config()],
      [4, { ...ENV, CNI_CONTAINERID: '../etc' }, config()],
      [4, { ...ENV, CNI_IFNAME: 'eth0/..' }, config()],
      [4, { ...ENV, CNI_IFNAME: 'x'.repeat(16) }, config()],
      [4, { ...ENV, CNI_NETNS: '' }, config()],
      [undefined, { ...ENV, CNI_NETNS: '', CNI_COMMAND: 'DEL' }, config()],
      [6, ENV, 'not json'],
      [6, ENV, '[]'],
      [1, ENV, config({ cniVersion: '0.2.0' })],
      [1, ENV, config({ cniVersion: '2.0.0' })],
      [1, ENV, JSON.stringify({ name: 'podwire' })],
      [7, ENV, config({ name: '' })],
      [7, ENV, config({ name: undefined })],
      [7, ENV, config({ name: 'n'.repeat(64) })],
      [2, ENV, config({ runtimeConfig: 'x' })],
      [1, { CNI_COMMAND: 'STATUS' }, config({ cniVersion: '1.0.0' })],
      [undefined, { CNI_COMMAND: 'STATUS' }, config()],
      [1, { ...ENV, CNI_COMMAND: 'CHECK' }, config({ cniVersion: '0.3.1' })],
      [undefined, { CNI_COMMAND: 'VERSION' }, '{}'],
    ];
    for (const [code, env, stdin] of cases) assert.equal(codeOf(env, stdin), code, `${JSON.stringify(env)} ${stdin}`);
  });

  test('every supported version is accepted', () => {
    for (const cniVersion of CNI_VERSIONS) assert.equal(codeOf(ENV, config({ cniVersion })), undefined, cniVersion);
  });

  test('no input makes anything but a PodwireError', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('ADD', 'DEL', 'GC', 'eth0', config()));
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(ENV), 'CNI_ARGS'), text),
        text,
        (env, stdin) => void codeOf(env, stdin),
      ),
    );
  });

  test('each error code of the table has a number', () => {
    assert.deepEqual(Object.keys(CNI_CODES), Object.keys(PODS_ERRORS));
  });
});
