import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeJson, type KindName, kindNamed } from '@podwire/kube';
import fc from 'fast-check';
import type { ApiObject, Validated } from '../seam.ts';
import { createSchema } from './index.ts';

const schema = createSchema();

function check(kindName: KindName, object: object, old?: object): Validated {
  const kind = kindNamed(kindName);
  const whole = {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { name: 'x', namespace: 'default' },
    ...object,
  };
  return schema.validateAndDefault(kind, whole as ApiObject, {
    fieldValidation: 'Strict',
    ...(old ? { old: { ...whole, ...old } as ApiObject } : {}),
  });
}

function messages(result: Validated): string[] {
  assert.equal(result.decodeError, undefined);
  return result.causes.map(({ field, message }) => `${field}: ${message}`);
}

const container = { name: 'c', image: 'nginx' };
const podSpec = { containers: [container] };
const deployment = (spec: object): object => ({
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: podSpec },
    ...spec,
  },
});
const at = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);

const IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const INVALID: readonly [kind: KindName, object: object, expected: readonly string[]][] = [
  ['Deployment', deployment({}), []],
  [
    'Deployment',
    { spec: { template: { metadata: { labels: { app: 'x' } }, spec: podSpec } } },
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'Deployment',
    deployment({ replicas: -1 }),
    ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'Deployment',
    deployment({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'Deployment',
    deployment({ strategy: { type: 'Sometimes' } }),
    ['spec.strategy.type: Unsupported value: "Sometimes": supported values: "Recreate", "RollingUpdate"'],
  ],
  ['Pod', { spec: {} }, ['spec.containers: Required value']],
  ['Pod', { spec: { containers: [{ name: 'c' }] } }, ['spec.containers[0].image: Required value']],
  ['Pod', { spec: { containers: [container, container] } }, ['spec.containers[1].name: Duplicate value: "c"']],
  [
    'Pod',
    { spec: { containers: [{ ...container, name: 'C_1' }] } },
    [`spec.containers[0].name: Invalid value: "C_1": ${LABEL}`],
  ],
  [
    'Pod',
    { spec: { containers: [{ ...container, ports: [{ containerPort: 80, name: 'a-very-long-port-name' }] }] } },
    ['spec.containers[0].ports[0].name: Invalid value: "a-very-long-port-name": must be no more than 15 characters'],
  ],
  [
    'Pod',
    { spec: { containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] } },
    ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  [
    'Pod',
    { spec: { ...podSpec, restartPolicy: 'Maybe' } },
    ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
  ],
  ['Service', { spec: { selector: { app: 'x' } } }, ['spec.ports: Required value']],
  [
    'Service',
    { spec: { ports: [{ port: 0 }] } },
    [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  ],
  ['Service', { spec: { ports: [{ port: 1, name: 'a' }, { port: 2 }] } }, ['spec.ports[1].name: Required value']],
  [
    'Service',
    { spec: { ports: [{ port: 1, nodePort: 30000 }] } },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'Service',
    { spec: { ports: [{ port: 1 }], externalIPs: ['010.0.0.1'] } },
    ['spec.externalIPs[0]: Invalid value: "010.0.0.1": must not have leading 0s'],
  ],
  [
    'Service',
    { spec: { ports: [{ port: 1 }], externalIPs: ['10.1'] } },
    [`spec.externalIPs[0]: Invalid value: "10.1": ${IP}`],
  ],
  [
    'Service',
    { spec: { ports: [{ port: 1 }], trafficDistribution: 'PreferAny' } },
    [
      'spec.trafficDistribution: Unsupported value: "PreferAny": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  ],
  [
    'NetworkPolicy',
    { spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] } },
    ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
  ],
  [
    'NetworkPolicy',
    { spec: { egress: [{ to: [{}], ports: [{ port: 80, endPort: 79 }] }] } },
    [
      'spec.egress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
      'spec.egress[0].to[0]: Required value: must specify a peer',
    ],
  ],
  ['Ingress', { spec: {} }, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  [
    'Ingress',
    {
      spec: {
        rules: [
          {
            http: {
              paths: [{ path: 'x', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }],
            },
          },
        ],
      },
    },
    ['spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
  ],
  ['Ingress', { spec: { rules: [{ http: {} }] } }, ['spec.rules[0].http.paths: Required value']],
  [
    'ConfigMap',
    { data: { 'a b': '' } },
    [
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1'] }] },
    ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
  ],
];

for (const [kind, object, expected] of INVALID) {
  test(`validates ${kind} ${JSON.stringify(object).slice(0, 80)}`, () => {
    assert.deepEqual(messages(check(kind, object)), expected);
  });
}

test('metadata: names, labels', () => {
  const result = check('Namespace', { metadata: { name: 'a.b', labels: { 'bad key': 'v' } } });
  assert.equal(messages(result)[0], `metadata.name: Invalid value: "a.b": ${LABEL}`);
  assert.match(messages(result)[1] ?? '', /^metadata\.labels: Invalid value: "bad key": name part must consist of/);
});

test('unknown fields are named with their path and left out', () => {
  const result = check(
    'Deployment',
    deployment({
      replcas: 2,
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ ...container, imag: 'y' }] } },
    }),
  );
  assert.deepEqual(result.unknown, [
    'unknown field "spec.template.spec.containers[0].imag"',
    'unknown field "spec.replcas"',
  ]);
  assert.equal(at(result.object, 'spec.replcas'), undefined);
  const ignored = schema.validateAndDefault(
    kindNamed('ConfigMap'),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, dta: {} },
    { fieldValidation: 'Ignore' },
  );
  assert.deepEqual(ignored.unknown, []);
});

const WRONG: readonly [kind: KindName, object: object, expected: string][] = [
  [
    'Deployment',
    deployment({ replicas: 'two' }),
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [
    'Deployment',
    { spec: 'x' },
    'json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec',
  ],
  ['ConfigMap', { data: { a: 1 } }, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
  [
    'Pod',
    { spec: { containers: [{ ...container, env: [{ name: 'A', value: 1 }] }] } },
    'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
  ],
  ['Secret', { data: { a: '*' } }, 'illegal base64 data at input byte 0'],
  [
    'Pod',
    { spec: { containers: [{ ...container, resources: { limits: { cpu: 'much' } } }] } },
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
];
for (const [kind, object, expected] of WRONG) {
  test(`refuses ${JSON.stringify(object).slice(0, 70)} in a decoder's words`, () => {
    assert.equal(check(kind, object).decodeError, expected);
  });
}

test('defaults: pod, deployment, service, policy, secret, namespace', () => {
  const pod = check('Pod', {
    spec: { containers: [{ ...container, ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } } }] },
  }).object;
  assert.equal(at(pod, 'spec.restartPolicy'), 'Always');
  assert.equal(at(pod, 'spec.dnsPolicy'), 'ClusterFirst');
  assert.equal(at(pod, 'spec.terminationGracePeriodSeconds'), 30);
  assert.equal(at(pod, 'spec.containers.0.imagePullPolicy'), 'Always');
  assert.equal(at(pod, 'spec.containers.0.ports.0.protocol'), 'TCP');
  assert.deepEqual(at(pod, 'spec.containers.0.livenessProbe'), {
    httpGet: { port: 80, path: '/', scheme: 'HTTP' },
    failureThreshold: 3,
    periodSeconds: 10,
    successThreshold: 1,
    timeoutSeconds: 1,
  });
  const made = check('Deployment', deployment({})).object;
  assert.equal(at(made, 'spec.replicas'), 1);
  assert.deepEqual(at(made, 'spec.strategy'), {
    type: 'RollingUpdate',
    rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
  });
  assert.equal(at(made, 'spec.revisionHistoryLimit'), 10);
  assert.equal(at(made, 'spec.progressDeadlineSeconds'), 600);
  const service = check('Service', { spec: { ports: [{ port: 80 }] } }).object;
  assert.deepEqual(at(service, 'spec.ports'), [{ port: 80, protocol: 'TCP', targetPort: 80 }]);
  for (const targetPort of [0, '', null]) {
    const defaulted = check('Service', { spec: { ports: [{ port: 80, targetPort }] } }).object;
    assert.equal(at(defaulted, 'spec.ports.0.targetPort'), 80, `targetPort ${JSON.stringify(targetPort)}`);
  }
  assert.equal(at(service, 'spec.sessionAffinity'), 'None');
  assert.deepEqual(at(check('NetworkPolicy', { spec: { egress: [{}] } }).object, 'spec.policyTypes'), [
    'Ingress',
    'Egress',
  ]);
  assert.deepEqual(at(check('Secret', { stringData: { a: 'é' } }).object, 'data'), { a: 'w6k=' });
  assert.deepEqual(at(check('Namespace', {}).object, 'metadata.labels'), { 'kubernetes.io/metadata.name': 'x' });
});

test('defaulting twice changes nothing, and the input is left alone', () => {
  const input = deployment({});
  const before = JSON.stringify(input);
  const once = check('Deployment', input).object;
  assert.equal(JSON.stringify(input), before);
  assert.deepEqual(check('Deployment', once).object, once);
});

test('updates: what is immutable', () => {
  const changed = deployment({
    selector: { matchLabels: { app: 'y' } },
    template: { metadata: { labels: { app: 'y' } }, spec: podSpec },
  });
  assert.deepEqual(messages(check('Deployment', changed, deployment({}))), [
    'spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable',
  ]);
  const pod = check('Pod', { spec: podSpec }).object;
  assert.deepEqual(
    messages(
      check('Pod', { spec: { containers: [{ ...container, image: 'other:1', imagePullPolicy: 'Always' }] } }, pod),
    ),
    [],
  );
  assert.match(
    messages(check('Pod', { spec: { ...podSpec, hostname: 'h' } }, pod))[0] ?? '',
    /^spec: Forbidden: pod updates may not change/,
  );
});

test('merge rules are those of the API', () => {
  const rule = (kind: KindName, path: string): unknown => schema.mergeRule(kindNamed(kind), path.split('.'));
  assert.deepEqual(rule('Deployment', 'spec.template.spec.containers.ports'), {
    patchStrategy: ['merge'],
    patchMergeKey: 'containerPort',
    listType: 'map',
    listMapKeys: ['containerPort', 'protocol'],
  });
  assert.deepEqual(rule('Pod', 'spec.volumes'), {
    patchStrategy: ['merge', 'retainKeys'],
    patchMergeKey: 'name',
    listType: 'map',
    listMapKeys: ['name'],
  });
  assert.deepEqual(rule('Service', 'spec.selector'), { patchStrategy: [], mapType: 'atomic' });
  assert.equal(rule('Service', 'spec.nothing'), undefined);
});

test('any JSON has a defined result', () => {
  const names: readonly KindName[] = [
    'Pod',
    'Service',
    'Ingress',
    'NetworkPolicy',
    'Deployment',
    'EndpointSlice',
    'Secret',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.jsonValue(), fc.jsonValue(), (name, spec, ports) => {
      check(name, { spec });
      check(name, { spec: { ports, rules: ports, ingress: ports, containers: ports, template: spec } });
    }),
  );
});

test('defaults of an object that has them write into nothing it shares with what is stored', () => {
  const limits = { cpu: '1' };
  const container = { name: 'c', image: 'nginx', ports: [{ containerPort: 80 }], resources: { limits } };
  const spec = { containers: [container], volumes: [{ name: 'v' }], serviceAccountName: 'a' };
  const template = { metadata: { labels: { app: 'x' } }, spec };
  const selector = { matchLabels: { app: 'x' } };
  const samples: [KindName, object][] = [
    ['Pod', { spec }],
    ['ReplicaSet', { spec: { selector, template } }],
    ['Deployment', { spec: { selector, template } }],
    ['Job', { spec: { template: { ...template, spec: { ...spec, restartPolicy: 'Never' } } } }],
    ['Service', { spec: { ports: [{ port: 80 }], selector: { app: 'x' }, sessionAffinity: 'ClientIP' } }],
    ['NetworkPolicy', { spec: { podSelector: {} } }],
    ['EndpointSlice', { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] }],
    ['Secret', { stringData: { a: 'b' } }],
    ['Event', { involvedObject: { kind: 'Pod' } }],
  ];
  for (const [id, fields] of samples) {
    const kind = kindNamed(id);
    const metadata = { name: 'a', namespace: 'default' };
    const input = { apiVersion: kind.apiVersion, kind: id, metadata, ...fields } as unknown as ApiObject;
    const stored = freezeJson(schema.validateAndDefault(kind, input, { fieldValidation: 'Strict' }).object);
    const changed = { ...stored, metadata: { ...stored.metadata, labels: { x: 'y' } } };
    const { object, causes } = schema.validateAndDefault(kind, changed, { fieldValidation: 'Strict', old: stored });
    assert.deepEqual([object, causes], [changed, []], id);
  }
});
