import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerEnvironment } from './container-environment.ts';
import { expandVariables, serviceEnvironment } from './environment.ts';

test('$(NAME) is replaced, $$ is a dollar, unknown names stay', () => {
  const env = { A: '1', B: '$(A)' };
  assert.equal(expandVariables('$(A) $$(A) $(B) $(C) $A $', env), '1 $(A) $(A) $(C) $A $');
  assert.equal(expandVariables('$(toString)', env), '$(toString)');
});

test('services of the namespace and the API', () => {
  const services = [
    {
      metadata: { name: 'my-db', namespace: 'shop' },
      spec: { clusterIP: '10.96.1.1', ports: [{ port: 5432, name: 'sql' }] },
    },
    {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ port: 443 }] },
    },
    { metadata: { name: 'other', namespace: 'default' }, spec: { clusterIP: '10.96.0.9', ports: [{ port: 1 }] } },
    { metadata: { name: 'headless', namespace: 'shop' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
  ];
  assert.deepEqual(serviceEnvironment(services.slice(0, 1), 'shop', true), {
    MY_DB_SERVICE_HOST: '10.96.1.1',
    MY_DB_SERVICE_PORT: '5432',
    MY_DB_SERVICE_PORT_SQL: '5432',
    MY_DB_PORT: 'tcp://10.96.1.1:5432',
    MY_DB_PORT_5432_TCP: 'tcp://10.96.1.1:5432',
    MY_DB_PORT_5432_TCP_PROTO: 'tcp',
    MY_DB_PORT_5432_TCP_PORT: '5432',
    MY_DB_PORT_5432_TCP_ADDR: '10.96.1.1',
  });
  const withoutLinks = Object.keys(serviceEnvironment(services, 'shop', false));
  assert.deepEqual(new Set(withoutLinks.map((k) => k.split('_')[0])), new Set(['KUBERNETES']));
});

const source = {
  pod: { metadata: { name: 'p', namespace: 'n', labels: { app: 'x' } }, spec: { containers: [] } },
  podIp: '10.0.0.1',
  hostIp: '172.30.0.11',
  nodeName: 'node-1',
  configMap: async (name: string) => (name === 'settings' ? { colour: 'green' } : undefined),
  secret: async (name: string) => (name === 'keys' ? { token: 't' } : undefined),
};

test('variables come from values, fields, ConfigMaps and Secrets, in order', async () => {
  const env = await containerEnvironment(
    {
      name: 'c',
      envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'gone', optional: true } }],
      env: [
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
        { name: 'ALL', value: '$(IP)/$(APP)/$(S_colour)/$(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'size', optional: true } } },
      ],
    },
    { HOSTNAME: 'p' },
    source,
  );
  assert.deepEqual(env, {
    HOSTNAME: 'p',
    S_colour: 'green',
    IP: '10.0.0.1',
    APP: 'x',
    TOKEN: 't',
    ALL: '10.0.0.1/x/green/$(LATER)',
    LATER: 'x',
  });
});

test('what is missing is named', async () => {
  const refused = (env: object, message: string) =>
    assert.rejects(containerEnvironment({ name: 'c', env: [{ name: 'A', valueFrom: env }] }, {}, source), {
      code: 'LAB_CONTAINER_CONFIG',
      message,
    });
  await refused({ configMapKeyRef: { name: 'gone', key: 'k' } }, 'configmap "gone" not found');
  await refused({ secretKeyRef: { name: 'keys', key: 'k' } }, "couldn't find key k in secret keys");
  await refused({ fieldRef: { fieldPath: 'status.phase' } }, 'unsupported fieldPath: status.phase');
});
