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

  test('a port that joins another on a second protocol shares its node port', async () => {
    const made = await it.create('join', { type: 'NodePort', ports: [port('t', 53)] });
    const joined = await it.patch('join', { ports: [port('t', 53), port('u', 53, { protocol: 'UDP' })] }, 'merge');
    assert.deepEqual(nodePorts(joined), [...nodePorts(made), ...nodePorts(made)]);
    await it.delete('join');
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

test('SVC-11 new externalIPs can be denied', async () => {
  const strict = await ServiceServer.start({ denyExternalIPs: true });
  const why = '403 services "ext" is forbidden: Use of external IPs is denied by admission control';
  assert.deepEqual(await refusal(strict.create('ext', { externalIPs: ['192.0.2.7'] })), [why]);
  await strict.create('ext');
  assert.deepEqual(await refusal(strict.patch('ext', { externalIPs: ['192.0.2.7'] })), [why]);
  await strict.close();
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

test('a refused Service takes nothing', async () => {
  const before = await it.taken();
  await refusal(
    it.client.create('Service', { metadata: { name: 'lost', namespace: 'nowhere' }, spec: { ports: [{ port: 80 }] } }),
  );
  await it.create('there', { clusterIP: '10.96.0.5' });
  await refusal(it.create('there', {}));
  await refusal(it.create('bad', { type: 'NodePort', ports: [{ port: 80, nodePort: 1 }] }));
  await it.delete('there');
  assert.deepEqual(await it.taken(), before);
});
