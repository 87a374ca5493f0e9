import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openPki } from './surface/index.ts';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

/** From this minor on, typed commands send protobuf. */
const PROTOBUF_MINOR = 32;
/** CERT and KEY stand for files. */
const TYPED_COMMANDS: readonly string[] = [
  'create namespace typed',
  'create configmap typed --from-literal=k=v --from-literal=empty=',
  'create secret generic typed --from-literal=k=v',
  'create secret tls typed-tls --cert=CERT --key=KEY',
  'create secret docker-registry typed-registry --docker-server=r.test --docker-username=u --docker-password=p',
  'create serviceaccount typed',
  'create deployment typed --image=nginx:1 --replicas=3 --port=80',
  'create deployment zero --image=nginx:1 --replicas=0 -- sleep 1',
  'create service clusterip typed --tcp=80:8080 --tcp=443:https',
  'create service clusterip headless --clusterip=None',
  'create service nodeport typed-node --tcp=80:web --node-port=30080',
  'create service externalname typed-external --external-name=example.org',
  'create service loadbalancer typed-balancer --tcp=80',
  'create ingress typed --class=c --rule=example.org/p*=svc:web,tls=t --default-backend=d:80 --annotation=a=b',
  'create job typed --image=busybox:1 -- sleep 1',
  'create cronjob typed --image=busybox:1 --schedule=@hourly --restart=Never -- sleep 1',
  'create quota typed --hard=cpu=1,pods=2 --scopes=NotTerminating',
  'create poddisruptionbudget typed --selector=app=a --min-available=50%',
  'create priorityclass typed --value=1000 --description=d --preemption-policy=Never',
  'create role typed --verb=get --verb=list --resource=pods --resource=deployments.apps/scale --resource-name=a',
  'create clusterrole typed --verb=get --non-resource-url=/healthz',
  'create rolebinding typed --role=typed --user=u --group=g --serviceaccount=default:default',
  'create clusterrolebinding typed --clusterrole=typed --user=u',
];

/** Values the commands name, of fields the server otherwise fills in. */
const ASKED_FOR: readonly unknown[] = ['None', 30080];

/** What kubectl makes of the status a new PodDisruptionBudget does not have. */
const NO_BUDGET = '{"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":0,"expectedPods":0}';

/** Without what the server assigns, and without a status that says nothing. */
function comparable(text: string): object {
  const assigned = [
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'clusterIP',
    'clusterIPs',
    'nodePort',
    'controller-uid',
    'batch.kubernetes.io/controller-uid',
  ];
  return JSON.parse(text, (key, value: unknown) => {
    if (key === 'status' && ['{}', '{"loadBalancer":{}}', NO_BUDGET].includes(JSON.stringify(value))) return undefined;
    return assigned.includes(key) && !ASKED_FOR.includes(value) ? undefined : value;
  });
}

const kubectls = findKubectls().filter(({ minor }) => minor >= PROTOBUF_MINOR);
if (kubectls.length === 0) {
  test('kubectl', { skip: 'probe kubectl: no kubectl of 1.32 or newer on PATH or in a Google Cloud SDK' }, () => {});
}
for (const kubectl of kubectls) {
  describe(`typed commands of kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl);

    /** The object a command makes on the wire is the one its own JSON form makes. */
    test('typed create commands send protobuf, with the outcome of JSON', async () => {
      const it = current();
      const pki = { cert: join(it.session.home, 'tls.crt'), key: join(it.session.home, 'tls.key') };
      const pair = await openPki({ names: ['localhost'] });
      await writeFile(pki.cert, pair.serving.cert);
      await writeFile(pki.key, pair.serving.key, { mode: 0o600 });
      for (const command of TYPED_COMMANDS) {
        const line = command.replace('CERT', pki.cert).replace('KEY', pki.key);
        const [options, inner] = line.split(' -- ');
        const run = (more: string) =>
          it.run([`${options} -n typed -o json ${more}`, inner].filter(Boolean).join(' -- '));
        const manifest = (await run('--dry-run=client')).stdout;
        const expected = await it.ok('create -f - --dry-run=server -o json', manifest);
        const { stdout, stderr, code } = await run('-v=8');
        assert.equal(code, 0, `${command}: ${stderr}`);
        assert.match(stderr, /Content-Type: application\/vnd\.kubernetes\.protobuf/, command);
        assert.deepEqual(comparable(stdout), comparable(expected), command);
      }
      assert.match(await it.fails('create namespace typed'), /\(AlreadyExists\): namespaces "typed" already exists/);
      assert.match(
        await it.fails('create namespace Typed_'),
        /The Namespace "Typed_" is invalid: \n\* metadata\.name: Invalid value/,
      );
    });

    test('drain evicts', async () => {
      const it = current();
      await it.client.create('Node', { metadata: { name: 'node-2' } });
      await it.client.create('Pod', {
        metadata: { name: 'guest', namespace: 'default' },
        spec: { nodeName: 'node-2', containers: [{ name: 'c', image: 'nginx:1' }] },
      });
      assert.match(
        await it.ok('drain node-2 --force --grace-period=0 --timeout=300s'),
        /pod\/guest evicted\nnode\/node-2 drained\n$/,
      );
      assert.equal(await it.client.get('Pod', { namespace: 'default', name: 'guest' }), undefined);
      await it.ok('delete node node-2');
    });
  });
}
