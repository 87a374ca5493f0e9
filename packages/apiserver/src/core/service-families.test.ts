import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { refusal, ServiceServer } from '../testing/services.ts';

const it = await ServiceServer.start();
after(() => it.close());

describe('SVC-27 dual stack', () => {
  const shape = ({ ipFamilyPolicy, ipFamilies, clusterIPs = [] }: ServiceSpec) =>
    [ipFamilyPolicy, ...(ipFamilies ?? []), clusterIPs.map((ip) => (ip.includes(':') ? 6 : 4)).join('')].join(' ');

  test('policies and families decide what a new Service gets', async () => {
    const cases: readonly [ServiceSpec, string][] = [
      [{}, 'SingleStack IPv4 4'],
      [{ ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4 IPv6 46'],
      [{ ipFamilyPolicy: 'RequireDualStack' }, 'RequireDualStack IPv4 IPv6 46'],
      [{ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, 'RequireDualStack IPv6 IPv4 64'],
      [{ ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] }, 'PreferDualStack IPv6 IPv4 64'],
      [{ ipFamilies: ['IPv6'] }, 'SingleStack IPv6 6'],
      [{ clusterIP: 'fd00:96::77' }, 'SingleStack IPv6 6'],
      [{ clusterIP: '10.96.7.7', ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4 IPv6 46'],
    ];
    for (const [spec, expected] of cases) {
      assert.equal(shape(await it.create('dual', spec)), expected, JSON.stringify(spec));
      assert.equal((await it.taken()).length, expected.split(' ').at(-1)?.length, JSON.stringify(spec));
      await it.delete('dual');
    }
    assert.deepEqual(await it.taken(), []);
  });

  test('on a cluster of one family', async () => {
    const single = await ServiceServer.start({ cidrs: ['10.96.0.0/16'] });
    assert.equal(shape(await single.create('a', { ipFamilyPolicy: 'PreferDualStack' })), 'PreferDualStack IPv4 4');
    assert.deepEqual(await refusal(single.create('b', { ipFamilyPolicy: 'RequireDualStack' })), [
      'FieldValueInvalid spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ]);
    assert.deepEqual(await refusal(single.create('b', { ipFamilies: ['IPv6'] })), [
      'FieldValueInvalid spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ]);
    assert.deepEqual(await refusal(single.create('b', { clusterIP: 'fd00::1' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
    ]);
    await single.close();
  });

  test('what does not fit together is refused', async () => {
    const pair = ['10.96.0.77', 'fd00:96::77'];
    const cases: readonly [ServiceSpec, string][] = [
      [{ ipFamilies: ['IPv4', 'IPv4'] }, 'FieldValueDuplicate spec.ipFamilies[1]: Duplicate value: "IPv4"'],
      [
        { ipFamilies: ['IPv5'] },
        'FieldValueNotSupported spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
      ],
      [
        { clusterIP: '10.96.0.77', clusterIPs: pair },
        "FieldValueInvalid spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
      ],
      [
        { ipFamilies: ['IPv4', 'IPv6'] },
        "FieldValueInvalid spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
      ],
      [
        { clusterIP: '10.96.0.78', clusterIPs: pair },
        'FieldValueInvalid spec.clusterIPs: Invalid value: ["10.96.0.77","fd00:96::77"]: first value must match `clusterIP`',
      ],
      [
        { clusterIPs: pair },
        'FieldValueInvalid spec.clusterIPs: Invalid value: ["10.96.0.77","fd00:96::77"]: must be empty when `clusterIP` is not specified',
      ],
      [
        { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77', '10.96.0.78'], ipFamilyPolicy: 'PreferDualStack' },
        'FieldValueInvalid spec.clusterIPs: Invalid value: ["10.96.0.77","10.96.0.78"]: may specify no more than one IP for each IP family',
      ],
      [
        { clusterIP: '10.96.0.77', ipFamilies: ['IPv6'] },
        'FieldValueInvalid spec.clusterIPs[0]: Invalid value: "10.96.0.77": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
      [
        { ipFamilyPolicy: 'TripleStack' },
        'FieldValueNotSupported spec.ipFamilyPolicy: Unsupported value: "TripleStack": supported values: "SingleStack", "PreferDualStack", "RequireDualStack"',
      ],
    ];
    for (const [spec, expected] of cases) assert.deepEqual(await refusal(it.create('bad', spec)), [expected], expected);
  });

  test('the second family comes and goes, the first stays', async () => {
    const [first] = (await it.create('grow', {})).clusterIPs ?? [];
    const grown = await it.patch('grow', { ipFamilyPolicy: 'PreferDualStack' });
    assert.equal(shape(grown), 'PreferDualStack IPv4 IPv6 46');
    assert.equal(grown.clusterIP, first);
    const [, second] = grown.clusterIPs ?? [];
    assert.equal((await it.taken()).length, 2);
    assert.deepEqual(await refusal(it.patch('grow', { clusterIPs: [first], ipFamilies: ['IPv4'] })), [
      'FieldValueInvalid spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary cluster IP',
      'FieldValueInvalid spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
    ]);
    assert.deepEqual(await refusal(it.patch('grow', { clusterIPs: [first, 'fd00:96::99'] })), [
      `FieldValueInvalid spec.clusterIPs[1]: Invalid value: ["${first}","fd00:96::99"]: may not change once set`,
    ]);
    assert.equal(shape(await it.patch('grow', { ipFamilyPolicy: 'SingleStack' })), 'SingleStack IPv4 4');
    assert.deepEqual(await it.taken(), [`${first} default/grow`]);
    const named = { ipFamilyPolicy: 'RequireDualStack', clusterIPs: [first, second] };
    assert.deepEqual((await it.patch('grow', named)).clusterIPs, [first, second]);
    // A manifest that names no family of a Service that has two changes nothing.
    assert.equal(shape(await it.replace('grow', {})), 'RequireDualStack IPv4 IPv6 46');
    assert.deepEqual(await refusal(it.patch('grow', { ipFamilies: ['IPv6', 'IPv4'] })), [
      `FieldValueInvalid spec.clusterIPs[0]: Invalid value: "${first}": expected an IPv6 value as indicated by \`ipFamilies[0]\``,
      `FieldValueInvalid spec.clusterIPs[1]: Invalid value: "${second}": expected an IPv4 value as indicated by \`ipFamilies[1]\``,
    ]);
    await it.delete('grow');
    assert.deepEqual(await it.taken(), []);
  });

  test('a Service that prefers two families keeps one when only something else changes', async () => {
    const made = await it.create('keep', { ipFamilyPolicy: 'PreferDualStack', ports: [{ port: 80 }] });
    const changed = await it.patch('keep', { ports: [{ port: 81 }] }, 'merge');
    assert.deepEqual(changed.clusterIPs, made.clusterIPs);
    await it.delete('keep');
  });
});
