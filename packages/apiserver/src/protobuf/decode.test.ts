import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from '@podwire/kube';
import fc from 'fast-check';
import { entry, envelope, type Fields, message, varint } from '../testing/protobuf-encoder.ts';
import { decodeProtobuf } from './index.ts';

/** `kubectl create configmap a --from-literal=k=v --from-literal=e=` of 1.33, as it came over the wire. */
const CONFIG_MAP = Buffer.from(
  '6b3873000a0f0a0276311209436f6e6669674d617012220a110a016112001a0022002a0032003800420012050a0165120012060a016b1201761a002200',
  'hex',
);
const decoded = (apiVersion: string, kind: string, fields: Fields): object =>
  decodeProtobuf(envelope(apiVersion, kind, message(fields)));

/** The object without apiVersion and kind. */
function body(apiVersion: string, kind: string, fields: Fields): object {
  const { apiVersion: _version, kind: _kind, ...rest } = decoded(apiVersion, kind, fields) as Record<string, unknown>;
  return rest;
}

function refusal(bytes: Buffer): { code: number; reason: string; message: string } {
  try {
    decodeProtobuf(bytes);
  } catch (error) {
    return (error as { details: { status: { code: number; reason: string; message: string } } }).details.status;
  }
  assert.fail('it was not refused');
}

test('a ConfigMap of kubectl: empty metadata is left out, empty map values are not', () => {
  assert.deepEqual(decodeProtobuf(CONFIG_MAP), {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a', creationTimestamp: null },
    data: { e: '', k: 'v' },
  });
});

test('empty values stay where JSON tells them from absent ones', () => {
  assert.deepEqual(body('apps/v1', 'Deployment', { 2: message({ 1: 0, 5: 0, 6: 0, 7: false, 3: message({}) }) }), {
    spec: { replicas: 0, revisionHistoryLimit: 0, template: {} },
  });
  assert.deepEqual(body('apps/v1', 'DeleteOptions', { 1: 0, 3: false, 4: 'Background', 5: ['All'] }), {
    gracePeriodSeconds: 0,
    orphanDependents: false,
    propagationPolicy: 'Background',
    dryRun: ['All'],
  });
  const endpoint = message({ 1: ['10.0.0.1'], 2: message({ 1: false }), 3: '' });
  assert.deepEqual(body('discovery.k8s.io/v1', 'EndpointSlice', { 2: endpoint, 4: '' }), {
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: false }, hostname: '' }],
    addressType: '',
  });
});

test('embedded messages stand in their parent', () => {
  const path = message({
    1: '/',
    2: message({ 4: message({ 1: 'svc', 2: message({ 1: 'web', 2: 0 }) }) }),
    3: 'Exact',
  });
  const rule = message({ 1: 'a.test', 2: message({ 1: message({ 1: [path] }) }) });
  const backend = { service: { name: 'svc', port: { name: 'web' } } };
  assert.deepEqual(body('networking.k8s.io/v1', 'Ingress', { 2: message({ 3: rule }) }), {
    spec: { rules: [{ host: 'a.test', http: { paths: [{ path: '/', backend, pathType: 'Exact' }] } }] },
  });
  const volume = message({ 1: 'v', 2: message({ 19: message({ 1: message({ 1: 'cm' }), 3: 0 }) }) });
  const probe = message({ 1: message({ 3: message({ 1: message({ 1: 1, 2: 0, 3: 'http' }), 2: '' }) }), 2: 5 });
  const keyRef = message({ 1: message({ 1: 'cm' }), 2: 'k' });
  const env = message({ 1: 'E', 2: '', 3: message({ 3: keyRef }) });
  const container = message({ 1: 'c', 7: env, 11: probe });
  const debug = message({ 1: message({ 1: 'd', 2: 'i' }), 2: 'c' });
  assert.deepEqual(body('v1', 'Pod', { 2: message({ 1: volume, 2: container, 34: debug }) }), {
    spec: {
      volumes: [{ name: 'v', configMap: { name: 'cm', defaultMode: 0 } }],
      containers: [
        {
          name: 'c',
          env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } }],
          readinessProbe: { tcpSocket: { port: 'http' }, initialDelaySeconds: 5 },
        },
      ],
      ephemeralContainers: [{ name: 'd', image: 'i', targetContainerName: 'c' }],
    },
  });
});

test('quantities, ports, bytes, times and numbers have their JSON forms', () => {
  const limits = [entry('cpu', message({ 1: '100m' })), entry('memory', message({}))];
  const container = message({ 1: 'c', 8: message({ 1: limits }) });
  assert.deepEqual(body('v1', 'Pod', { 2: message({ 2: container, 5: -1, 14: message({ 4: [1, 2] }) }) }), {
    spec: {
      containers: [{ name: 'c', resources: { limits: { cpu: '100m', memory: '0' } } }],
      activeDeadlineSeconds: -1,
      securityContext: { supplementalGroups: [1, 2] },
    },
  });
  const packed = message({ 2: message({ 14: message({ 4: Buffer.concat([varint(1), varint(300)]) }) }) });
  assert.deepEqual(decodeProtobuf(envelope('v1', 'Pod', packed)), {
    kind: 'Pod',
    apiVersion: 'v1',
    spec: { securityContext: { supplementalGroups: [1, 300] } },
  });
  const port = message({ 3: 80, 4: message({ 1: 0, 2: 8080, 3: '' }) });
  const named = message({ 3: 443, 4: message({ 1: 1, 2: 0, 3: 'https' }) });
  assert.deepEqual(body('v1', 'Service', { 2: message({ 1: [port, named] }) }), {
    spec: {
      ports: [
        { port: 80, targetPort: 8080 },
        { port: 443, targetPort: 'https' },
      ],
    },
  });
  assert.deepEqual(body('v1', 'Secret', { 2: entry('k', Buffer.from([0, 255])), 3: 'Opaque', 5: false }), {
    data: { k: 'AP8=' },
    type: 'Opaque',
    immutable: false,
  });
  const stamp = message({ 1: 1_900_000_000, 2: 123_456_789 });
  assert.deepEqual(body('coordination.k8s.io/v1', 'Lease', { 1: message({ 8: stamp }), 2: message({ 3: stamp }) }), {
    metadata: { creationTimestamp: '2030-03-17T17:46:40Z' },
    spec: { acquireTime: '2030-03-17T17:46:40.123456Z' },
  });
});

test('fields of managers are embedded JSON', () => {
  const managed = message({ 1: 'm', 7: message({ 1: '{"f:data":{}}' }) });
  assert.deepEqual(body('v1', 'ConfigMap', { 1: message({ 17: managed }) }), {
    metadata: { managedFields: [{ manager: 'm', fieldsV1: { 'f:data': {} } }] },
  });
});

test('numbers no table knows are left out, whatever their wire type', () => {
  const unknown = Buffer.concat([
    message({ 500: 1, 501: 'x' }),
    varint(502 * 8 + 1),
    Buffer.alloc(8),
    varint(503 * 8 + 5),
    Buffer.alloc(4),
  ]);
  assert.deepEqual(decodeProtobuf(envelope('v1', 'ConfigMap', Buffer.concat([unknown, message({ 4: true })]))), {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    immutable: true,
  });
});

test('a map key never becomes a prototype', () => {
  const { data } = decoded('v1', 'ConfigMap', { 2: entry('__proto__', 'x') }) as { data: object };
  assert.ok(Object.hasOwn(data, '__proto__'));
  assert.equal(Object.getPrototypeOf(data), Object.prototype);
});

test('what is no message of a served kind is a bad request that says why', () => {
  const pod = (raw: Buffer): Buffer => envelope('v1', 'Pod', raw);
  const time = (seconds: number | bigint): Buffer => pod(message({ 1: message({ 8: message({ 1: seconds }) }) }));
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from('{}'), /expected the prefix/],
    [Buffer.from('k8s\0'), /no kind "" is registered for version ""/],
    [envelope('v1', 'PodSpec', Buffer.alloc(0)), /no kind "PodSpec" is registered for version "v1"/],
    [envelope('batch/v2', 'Job', Buffer.alloc(0)), /no kind "Job"/],
    [envelope('meta/v1', 'ObjectMeta', Buffer.alloc(0)), /no kind "ObjectMeta"/],
    [Buffer.concat([Buffer.from('k8s\0'), message({ 3: 'gzip' })]), /further encoding/],
    [CONFIG_MAP.subarray(0, -1), /unexpected EOF/],
    [pod(message({ 1: 5 })), /wrong wireType varint for field 1/],
    [pod(message({ 1: message({ 1: Buffer.from([0xff]) }) })), /not valid UTF-8/],
    [pod(Buffer.from([0x0a, ...varint(2n ** 64n - 1n)])), /unexpected EOF/],
    [pod(Buffer.alloc(11, 0xff)), /integer overflow/],
    [pod(Buffer.from([0x0b])), /illegal wireType 3/],
    [pod(Buffer.from([0x00])), /illegal tag 0/],
    [time(-(2n ** 63n)), /year outside of range/],
    [time(300_000_000_000), /year outside of range/],
    [
      envelope('v1', 'Service', message({ 2: message({ 1: message({ 4: message({ 1: 7 }) }) }) })),
      /impossible IntOrString/,
    ],
    [envelope('v1', 'Pod', message({ 1: message({ 17: message({ 7: message({ 1: '{' }) }) }) })), /not valid JSON/],
  ];
  for (const [bytes, why] of cases) {
    const status = refusal(bytes);
    assert.equal(status.code, 400);
    assert.equal(status.reason, 'BadRequest');
    assert.match(status.message, why);
  }
});

/** Decodes, or is refused with 400: anything else is a fault. */
function assertSafe(bytes: Buffer): void {
  let object: object;
  try {
    object = decodeProtobuf(bytes);
  } catch (error) {
    const { details } = error as { details?: { status?: { code: number } } };
    assert.equal(details?.status?.code, 400, String((error as Error).stack));
    return;
  }
  assert.deepEqual(JSON.parse(JSON.stringify(object)), object);
}

const RUNS = { numRuns: 500 };
const kinds = fc.constantFrom(...KINDS);
/** Trees of messages with low numbers, as the tables have them, and values of any kind. */
const { tree } = fc.letrec<{ tree: Buffer; value: Buffer | string | number }>((tie) => ({
  tree: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 20 }), tie('value')), { maxLength: 6 })
    .map((fields) => Buffer.concat(fields.map(([number, value]) => message({ [number]: value })))),
  value: fc.oneof(
    { depthSize: 'large', withCrossShrink: true },
    fc.string({ maxLength: 8 }),
    fc.integer(),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    tie('tree'),
    tie('tree'),
  ),
}));

test('random bytes and random messages are decoded or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), kinds, (random, { apiVersion, kind }) => {
      assertSafe(Buffer.from(random));
      assertSafe(Buffer.concat([Buffer.from('k8s\0'), random]));
      assertSafe(envelope(apiVersion, kind, Buffer.from(random)));
    }),
    RUNS,
  );
  fc.assert(
    fc.property(tree, kinds, (raw, { apiVersion, kind }) => assertSafe(envelope(apiVersion, kind, raw))),
    RUNS,
  );
});

test('a real body with bytes changed, cut off or put in is decoded or refused', () => {
  const change = fc.record({
    at: fc.nat(CONFIG_MAP.length - 1),
    drop: fc.nat(4),
    put: fc.uint8Array({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      let bytes = CONFIG_MAP;
      for (const { at, drop, put } of changes)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]);
      assertSafe(bytes);
    }),
    RUNS,
  );
});

test('the largest bodies of the smallest parts are decoded whole', { timeout: 600_000 }, () => {
  const count = 1_000_000;
  const empty = message({ 2: Buffer.alloc(2 * count, Buffer.from([0x12, 0])) });
  const pod = decodeProtobuf(envelope('v1', 'Pod', empty)) as { spec: { containers: unknown[] } };
  assert.equal(pod.spec.containers.length, count);
  const packed = message({ 2: message({ 14: message({ 4: Buffer.alloc(count, 1) }) }) });
  const { spec } = decodeProtobuf(envelope('v1', 'Pod', packed)) as {
    spec: { securityContext: { supplementalGroups: unknown[] } };
  };
  assert.equal(spec.securityContext.supplementalGroups.length, count);
});
