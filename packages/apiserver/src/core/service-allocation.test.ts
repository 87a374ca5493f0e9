import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { refusal, ServiceServer } from '../testing/services.ts';

const it = await ServiceServer.start();
after(() => it.close());

const nodePorts = ({ ports = [] }: ServiceSpec) => ports.map(({ nodePort }) => nodePort);
const port = (name: string, number: number, more: object = {}) => ({ name, port: number, ...more });

describe('SVC-10 node ports', () => {
  test('one number belongs to one Service, on as many protocols as it likes', async () => {
    const both = await it.create('both', {
      type: 'NodePort',
      ports: [
        port('t', 53, { nodePort: 30053, protocol: 'TCP' }),
        port('u', 53, { nodePort: 30053, protocol: 'UDP' }),
        port('s', 5353, { nodePort: 30053, protocol: 'SCTP' }),
      ],
    });
    assert.deepEqual(nodePorts(both), [30053, 30053, 30053]);
    for (const protocol of ['TCP', 'UDP'] as const) {
      const taken = it.create('other', { type: 'NodePort', ports: [{ port: 1, nodePort: 30053, protocol }] });
      assert.deepEqual(await refusal(taken), [
        'FieldValueInvalid spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated',
      ]);
    }
    const twice = [port('a', 1, { nodePort: 30054 }), port('b', 2, { nodePort: 30054 })];
    assert.deepEqual(await refusal(it.create('twice', { type: 'NodePort', ports: twice })), [
      'FieldValueDuplicate spec.ports[1].nodePort: Duplicate value: 30054',
    ]);
    await it.delete('both');
    await it.create('other', { type: 'NodePort', ports: [{ port: 1, nodePort: 30053 }] });
    await it.delete('other');
  });

  test('a number out of the range is refused', async () => {
    for (const nodePort of [80, 29_999, 32_768, 70_000]) {
      assert.deepEqual(await refusal(it.create('out', { type: 'NodePort', ports: [{ port: 1, nodePort }] })), [
        `FieldValueInvalid spec.ports[0].nodePort: Invalid value: ${nodePort}: provided port is not in the valid range. The range of valid ports is 30000-32767`,
      ]);
    }
  });

  test('ports added, removed and renamed keep the node ports of the others', async () => {
    const made = await it.create('ports', { type: 'NodePort', ports: [port('a', 80), port('b', 81)] });
    const [a, b] = nodePorts(made);
    const wider = await it.replace('ports', {
      type: 'NodePort',
      ports: [port('c', 82), port('b', 8181), port('a', 80)],
    });
    assert.deepEqual(nodePorts(wider).slice(1), [b, a]);
    const swapped = [port('a', 80, { nodePort: b }), port('b', 81, { nodePort: a })];
    assert.deepEqual(nodePorts(await it.replace('ports', { type: 'NodePort', ports: swapped })), [b, a]);
    await it.replace('ports', { type: 'NodePort', ports: [port('a', 80)] });
    await it.create('heir', { type: 'NodePort', ports: [{ port: 1, nodePort: a as number }] });
    for (const name of ['ports', 'heir']) await it.delete(name);
  });

  test('a full range is an error of the server', async () => {
    const small = await ServiceServer.start({ nodePortRange: [30000, 30003] });
    for (const name of ['a', 'b', 'c', 'd']) await small.create(name, { type: 'NodePort' });
    assert.deepEqual(await refusal(small.create('e', { type: 'NodePort' })), [
      '500 Internal error occurred: failed to allocate a nodePort: range is full',
    ]);
    assert.equal((await small.taken()).length, 4, 'the refused one took an address');
    await small.close();
  });
});

describe('SVC-15 healthCheckNodePort', () => {
  const local: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };

  test('comes with Local, stays, and goes with Cluster', async () => {
    const made = await it.create('hc', local);
    const number = made.healthCheckNodePort as number;
    assert.ok(number >= 30086);
    assert.equal((await it.replace('hc', local)).healthCheckNodePort, number);
    assert.deepEqual(await refusal(it.patch('hc', { healthCheckNodePort: 30001 })), [
      'FieldValueForbidden spec.healthCheckNodePort: Forbidden: field is immutable',
    ]);
    const cluster = await it.patch('hc', { externalTrafficPolicy: 'Cluster' });
    assert.equal(cluster.healthCheckNodePort, undefined);
    await it.create('hc-heir', { type: 'NodePort', ports: [{ port: 1, nodePort: number }] });
    const back = await it.patch('hc', { externalTrafficPolicy: 'Local' });
    assert.ok(back.healthCheckNodePort && back.healthCheckNodePort !== number);
    assert.equal((await it.patch('hc', { type: 'ClusterIP' })).healthCheckNodePort, undefined);
    for (const name of ['hc', 'hc-heir']) await it.delete(name);
  });

  test('may be asked for, where it is used', async () => {
    assert.equal((await it.create('hc', { ...local, healthCheckNodePort: 30002 })).healthCheckNodePort, 30002);
    assert.deepEqual(await refusal(it.create('hc2', { ...local, healthCheckNodePort: 30002 })), [
      '500 Internal error occurred: failed to allocate requested HealthCheck NodePort 30002: provided port is already allocated',
    ]);
    const own = { ...local, healthCheckNodePort: 30003, ports: [{ port: 80, nodePort: 30003 }] };
    assert.match((await refusal(it.create('hc3', own)))[0] ?? '', /30003: provided port is already allocated/);
    assert.deepEqual(await refusal(it.create('hc4', { type: 'NodePort', healthCheckNodePort: 30004 })), [
      "FieldValueInvalid spec.healthCheckNodePort: Invalid value: 30004: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ]);
    await it.delete('hc');
  });
});

describe('SVC-18 LoadBalancer', () => {
  test('allocateLoadBalancerNodePorts: none, then some, and explicit ones in any case', async () => {
    const bare = await it.create('lb', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
    assert.deepEqual(nodePorts(bare), [undefined]);
    const [given] = nodePorts(await it.patch('lb', { allocateLoadBalancerNodePorts: true }));
    assert.ok(given);
    // Switched off, a port keeps what it has until it is taken out of the ports.
    assert.deepEqual(nodePorts(await it.patch('lb', { allocateLoadBalancerNodePorts: false })), [given]);
    const without = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] } as const;
    assert.deepEqual(nodePorts(await it.replace('lb', { ...without, ports: [{ port: 80 }] })), [undefined]);
    const explicit = { ...without, ports: [{ port: 80, nodePort: given }] };
    assert.deepEqual(nodePorts(await it.replace('lb', explicit)), [given]);
    await it.delete('lb');
  });

  test('fields of a load balancer are refused elsewhere, and go with the type', async () => {
    const spec = {
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'a.b/c',
      loadBalancerSourceRanges: ['10.0.0.0/8'],
    };
    const only = "may only be used when `type` is 'LoadBalancer'";
    assert.deepEqual(await refusal(it.create('no', spec)), [
      `FieldValueForbidden spec.LoadBalancerSourceRanges: Forbidden: ${only}`,
      `FieldValueForbidden spec.allocateLoadBalancerNodePorts: Forbidden: ${only}`,
      `FieldValueForbidden spec.loadBalancerClass: Forbidden: ${only}`,
    ]);
    await it.create('lb', { type: 'LoadBalancer', loadBalancerClass: 'a.b/c' });
    const plain = await it.patch('lb', { type: 'ClusterIP' });
    assert.deepEqual(
      [plain.allocateLoadBalancerNodePorts, plain.loadBalancerClass, plain.externalTrafficPolicy, ...nodePorts(plain)],
      [undefined, undefined, undefined, undefined],
    );
    await it.delete('lb');
  });

  test('loadBalancerClass is set when the type is, and stays', async () => {
    await it.create('lb', { type: 'LoadBalancer' });
    assert.deepEqual(await refusal(it.patch('lb', { loadBalancerClass: 'x.y/z' })), [
      'FieldValueInvalid spec.loadBalancerClass: Invalid value: "x.y/z": may not change once set',
    ]);
    await it.patch('lb', { type: 'ClusterIP' });
    assert.equal(
      (await it.patch('lb', { type: 'LoadBalancer', loadBalancerClass: 'x.y/z' })).loadBalancerClass,
      'x.y/z',
    );
    assert.deepEqual(await refusal(it.patch('lb', { loadBalancerClass: null }, 'merge')), [
      'FieldValueInvalid spec.loadBalancerClass: Invalid value: null: may not change once set',
    ]);
    await it.delete('lb');
  });
});

describe('SVC-12 load-balancer status', () => {
  const key = { namespace: 'default', name: 'lb' };
  const write = (ingress: object[]) =>
    it.client.patch(
      'Service',
      key,
      { status: { loadBalancer: { ingress } } },
      { type: 'merge', subresource: 'status' },
    );

  test('ipMode is VIP unless said, and belongs to an address', async () => {
    await it.create('lb', { type: 'LoadBalancer' });
    const made = await write([
      { ip: '192.0.2.1' },
      { ip: '192.0.2.2', ipMode: 'Proxy' },
      { hostname: 'lb.example.com' },
    ]);
    const ingress = made.status?.loadBalancer?.ingress as { ipMode?: string }[];
    assert.deepEqual(
      ingress.map(({ ipMode }) => ipMode),
      ['VIP', 'Proxy', undefined],
    );
    const wrong = [
      { ip: '192.0.2.01' },
      { ip: '192.0.2.1', ipMode: 'Vip' },
      { hostname: 'a', ipMode: 'VIP' },
      { hostname: '10.0.0.1' },
    ];
    assert.deepEqual(await refusal(write(wrong)), [
      'FieldValueInvalid status.loadBalancer.ingress[0].ip: Invalid value: "192.0.2.01": must not have leading 0s',
      'FieldValueNotSupported status.loadBalancer.ingress[1].ipMode: Unsupported value: "Vip": supported values: "Proxy", "VIP"',
      'FieldValueForbidden status.loadBalancer.ingress[2].ipMode: Forbidden: may not be specified when `ip` is not set',
      'FieldValueInvalid status.loadBalancer.ingress[3].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ]);
  });

  test('it ends with the type, and others have none', async () => {
    await it.patch('lb', { type: 'NodePort' });
    const plain = await it.client.get('Service', key);
    assert.deepEqual(plain?.status, { loadBalancer: {} });
    assert.deepEqual(await refusal(write([{ ip: '192.0.2.1' }])), [
      "FieldValueForbidden status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    ]);
    await it.delete('lb');
  });
});

test('SVC-11 externalIPs are addresses that can be somewhere', async () => {
  await it.create('ext', { externalIPs: ['192.0.2.7', '2001:db8::7'] });
  assert.equal((await it.get('ext')).externalTrafficPolicy, 'Cluster');
  assert.equal((await it.patch('ext', { externalIPs: null }, 'merge')).externalTrafficPolicy, undefined);
  const externalIPs = ['127.0.0.1', '169.254.1.1', '0.0.0.0', '::ffff:10.0.0.1', 'host'];
  assert.deepEqual(
    (await refusal(it.create('bad', { externalIPs }))).map((text) => text.replace(/^.*": /, '')),
    [
      'may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'may not be unspecified (0.0.0.0)',
      'must not be an IPv4-mapped IPv6 address',
      'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  );
  await it.delete('ext');
});

test('SVC-19 session affinity: 10800 s by default, 1 to 86400, and nothing without it', async () => {
  const timeout = (spec: ServiceSpec) => spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  assert.equal(timeout(await it.create('aff', { sessionAffinity: 'ClientIP' })), 10_800);
  for (const timeoutSeconds of [1, 86_400])
    assert.equal(
      timeout(await it.patch('aff', { sessionAffinityConfig: { clientIP: { timeoutSeconds } } })),
      timeoutSeconds,
    );
  for (const timeoutSeconds of [0, -1, 86_401]) {
    assert.deepEqual(await refusal(it.patch('aff', { sessionAffinityConfig: { clientIP: { timeoutSeconds } } })), [
      `FieldValueInvalid spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: ${timeoutSeconds}: must be greater than 0 and less than 86400`,
    ]);
  }
  assert.equal((await it.patch('aff', { sessionAffinity: 'None' })).sessionAffinityConfig, undefined);
  assert.deepEqual(await refusal(it.patch('aff', { sessionAffinity: 'Cookie' })), [
    'FieldValueNotSupported spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"',
  ]);
  await it.delete('aff');
});

test('SVC-20 trafficDistribution has three values', async () => {
  for (const trafficDistribution of ['PreferClose', 'PreferSameZone', 'PreferSameNode']) {
    await it.create('near', { trafficDistribution });
    await it.delete('near');
  }
  for (const trafficDistribution of ['', 'preferclose'])
    assert.match(
      (await refusal(it.create('near', { trafficDistribution })))[0] ?? '',
      /^FieldValueNotSupported spec\.trafficDistribution: Unsupported value/,
    );
});

describe('SVC-22 headless and ExternalName', () => {
  test('None is the first and only value, and no node is in front of it', async () => {
    const made = await it.create('headless', { clusterIP: 'None', selector: { a: 'b' } });
    assert.deepEqual(
      [made.clusterIP, made.clusterIPs, made.ipFamilies, made.ipFamilyPolicy],
      ['None', ['None'], ['IPv4'], 'SingleStack'],
    );
    // With hand-made endpoints it may be of both families, whatever the cluster has.
    const own = await it.create('own', { clusterIP: 'None' });
    assert.deepEqual([own.ipFamilies, own.ipFamilyPolicy], [['IPv4', 'IPv6'], 'RequireDualStack']);
    assert.deepEqual(await it.taken(), []);
    for (const type of ['NodePort', 'LoadBalancer'] as const) {
      assert.ok(
        (await refusal(it.create('bad', { type, clusterIP: 'None' }))).includes(
          `FieldValueInvalid spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for ${type} services`,
        ),
      );
    }
    assert.deepEqual(await refusal(it.create('bad', { clusterIP: 'None', clusterIPs: ['None', '10.96.0.9'] })), [
      'FieldValueInvalid spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: \'None\' must be the first and only value',
    ]);
    assert.deepEqual(await refusal(it.patch('headless', { clusterIP: '10.96.1.1' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: ["10.96.1.1"]: may not change once set',
    ]);
    // Ports are not needed.
    await it.create('bare', { clusterIP: 'None', ports: [], selector: { a: 'b' } });
    for (const name of ['headless', 'own', 'bare']) await it.delete(name);
  });

  test('ExternalName is a DNS name and nothing else', async () => {
    const made = await it.create('name', { type: 'ExternalName', externalName: 'example.org.' });
    assert.deepEqual(
      [made.clusterIP, made.clusterIPs, made.ipFamilies, made.internalTrafficPolicy],
      [undefined, undefined, undefined, undefined],
    );
    const notSet = 'Forbidden: may not be set for ExternalName services';
    const spec: ServiceSpec = {
      type: 'ExternalName',
      clusterIP: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    };
    assert.deepEqual(await refusal(it.create('bad', spec)), [
      `FieldValueForbidden spec.clusterIPs: ${notSet}`,
      `FieldValueForbidden spec.ipFamilies: ${notSet}`,
      `FieldValueForbidden spec.ipFamilyPolicy: ${notSet}`,
      'FieldValueRequired spec.externalName: Required value',
    ]);
    assert.match(
      (await refusal(it.create('bad', { type: 'ExternalName', externalName: 'no_name' })))[0] ?? '',
      /a lowercase RFC 1123 subdomain/,
    );
    await it.delete('name');
  });
});

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

describe('SVC-29 type changes and addresses', () => {
  test('each type has what it needs, whatever it was before', async () => {
    const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
    for (const from of types) {
      for (const to of types) {
        const name = { externalName: 'example.org' };
        await it.create('turn', from === 'ExternalName' ? { type: from, ...name } : { type: from });
        const before = await it.get('turn');
        const ports = before.ports ? {} : { ports: [{ port: 80 }] };
        const after = await it.patch('turn', { type: to, ...(to === 'ExternalName' ? name : ports) });
        const at = `${from} to ${to}`;
        const hasIp = to !== 'ExternalName';
        const hasPort = to === 'NodePort' || to === 'LoadBalancer';
        assert.equal(Boolean(after.clusterIP), hasIp, at);
        if (hasIp && before.clusterIP) assert.equal(after.clusterIP, before.clusterIP, at);
        assert.equal(nodePorts(after).some(Boolean), hasPort, at);
        if (hasPort && nodePorts(before)[0]) assert.deepEqual(nodePorts(after), nodePorts(before), at);
        assert.deepEqual(await it.taken(), hasIp ? [`${after.clusterIP} default/turn`] : [], at);
        const [released] = nodePorts(before);
        if (released && !hasPort) {
          await it.create('heir', { type: 'NodePort', ports: [{ port: 1, nodePort: released }] });
          await it.delete('heir');
        }
        await it.delete('turn');
      }
    }
    assert.deepEqual(await it.taken(), []);
  });

  test('an address is decimal or nothing', async () => {
    assert.deepEqual(await refusal(it.create('zero', { clusterIP: '010.96.0.1' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: "010.96.0.1": must not have leading 0s',
    ]);
    assert.deepEqual(await refusal(it.create('zero', { clusterIP: '10.96.0' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    const ranges = ['010.0.0.0/8', '10.0.0.0/08', '10.0.0.0'];
    assert.deepEqual(
      (await refusal(it.create('zero', { type: 'LoadBalancer', loadBalancerSourceRanges: ranges }))).map((text) =>
        text.replace(/^.*": /, ''),
      ),
      [
        'must not have leading 0s in IP or prefix length',
        'must not have leading 0s in IP or prefix length',
        'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    );
  });

  test('an address is given once, within the range, and to whom asks for it', async () => {
    const spelled = await it.create('asked', { clusterIP: 'FD00:96:0::0007' });
    assert.deepEqual([spelled.clusterIP, await it.taken()], ['FD00:96:0::0007', ['fd00:96::7 default/asked']]);
    assert.deepEqual(await refusal(it.create('late', { clusterIP: 'fd00:96::7' })), [
      'FieldValueInvalid spec.clusterIPs: Invalid value: ["fd00:96::7"]: failed to allocate IP fd00:96::7: provided IP is already allocated',
    ]);
    for (const clusterIP of ['192.168.0.1', '10.96.0.0', '10.96.255.255']) {
      assert.deepEqual(await refusal(it.create('out', { clusterIP })), [
        `FieldValueInvalid spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: the provided IP (${clusterIP}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
      ]);
    }
    assert.equal((await it.replace('asked', { clusterIP: 'FD00:96:0::0007' })).clusterIP, 'FD00:96:0::0007');
    assert.deepEqual(await refusal(it.patch('asked', { clusterIP: 'fd00:96::8' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: ["fd00:96::8"]: may not change once set',
    ]);
    await it.delete('asked');
  });
});
