import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

const [kubectl] = findKubectls();
const cidr = (name: string, ...cidrs: string[]): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'ServiceCIDR',
  metadata: { name },
  spec: { cidrs },
});
const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});

if (!kubectl) {
  test('kubectl', { skip: 'probe kubectl: no kubectl of 1.29 or newer on PATH or in a Google Cloud SDK' }, () => {});
} else {
  describe(`Services through kubectl 1.${kubectl.minor}`, () => {
    const current = clusterOf(kubectl);
    const field = (name: string, path: string) => current().ok(`get svc ${name} -o jsonpath={.${path}}`);
    const patch = (name: string, spec: object) => current().ok(`patch svc ${name} -p ${JSON.stringify({ spec })}`);

    test('create service of every type, expose, get -o wide', async () => {
      assert.equal(await current().ok('create service clusterip plain --tcp=80:8080'), 'service/plain created\n');
      assert.equal(await current().ok('create service clusterip bare --clusterip=None'), 'service/bare created\n');
      assert.equal(
        await current().ok('create service nodeport door --tcp=80 --node-port=30080'),
        'service/door created\n',
      );
      assert.equal(await current().ok('create service loadbalancer balanced --tcp=80'), 'service/balanced created\n');
      assert.equal(
        await current().ok('create service externalname away --external-name=example.org'),
        'service/away created\n',
      );
      await current().ok('create deployment web --image=nginx --port=80');
      assert.equal(
        await current().ok('expose deployment web --type=NodePort --session-affinity=ClientIP'),
        'service/web exposed\n',
      );
      assert.equal(await field('web', 'spec.sessionAffinityConfig.clientIP.timeoutSeconds'), '10800');
      const table = await current().ok('get svc -o wide');
      const rows = [
        /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE +SELECTOR$/m,
        /^plain +ClusterIP +10\.\d+\.\d+\.\d+ +<none> +80\/TCP +\d+s +app=plain$/m,
        /^bare +ClusterIP +None +<none> +<none> +\d+s +app=bare$/m,
        /^door +NodePort +10\.\d+\.\d+\.\d+ +<none> +80:30080\/TCP +\d+s +app=door$/m,
        /^balanced +LoadBalancer +10\.\d+\.\d+\.\d+ +<pending> +80:3\d{4}\/TCP +\d+s +app=balanced$/m,
        /^away +ExternalName +<none> +example\.org +<none> +\d+s +app=away$/m,
        /^web +NodePort +10\.\d+\.\d+\.\d+ +<none> +80:3\d{4}\/TCP +\d+s +app=web$/m,
      ];
      for (const row of rows) assert.match(table, row);
      assert.equal(
        await current().fails('create service nodeport other --tcp=80 --node-port=30080'),
        'error: failed to create NodePort service: Service "other" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated\n',
      );
      assert.match(
        await current().fails('create service nodeport other --tcp=80 --node-port=80'),
        /provided port is not in the valid range\. The range of valid ports is 30000-32767/,
      );
    });

    test('patch changes the type, and apply of the first manifest changes nothing', async () => {
      const manifest = service('turn', {});
      assert.equal(await current().ok('apply -f -', manifest), 'service/turn created\n');
      const address = await field('turn', 'spec.clusterIP');
      await patch('turn', { type: 'NodePort' });
      assert.match(await field('turn', 'spec.ports[0].nodePort'), /^3\d{4}$/);
      await patch('turn', { type: 'ExternalName', externalName: 'example.org' });
      assert.equal(await field('turn', 'spec.clusterIP'), '');
      assert.match(
        (await current().run(`get ipaddress ${address}`)).stderr,
        /\(NotFound\): ipaddresses\.networking\.k8s\.io/,
      );
      await patch('turn', { type: 'LoadBalancer', externalName: null, externalTrafficPolicy: 'Local' });
      assert.match(await field('turn', 'spec.healthCheckNodePort'), /^3\d{4}$/);
      await patch('turn', { type: 'ClusterIP' });
      assert.equal(await current().ok('apply -f -', manifest), 'service/turn unchanged\n');
      assert.equal(
        await current().fails('patch svc turn -p {"spec":{"clusterIP":"10.96.9.9"}}'),
        'The Service "turn" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set\n',
      );
    });

    test('get ipaddress, servicecidr', async () => {
      const address = await field('plain', 'spec.clusterIP');
      assert.match(
        await current().ok(`get ip ${address}`),
        new RegExp(`^NAME +PARENTREF +AGE\n${address} +services/default/plain +\\d+s\n$`),
      );
      assert.match(await current().ok('get servicecidr'), /^NAME +CIDRS +AGE\nkubernetes +10\.96\.0\.0\/12 +\d+s\n$/);
      assert.match(
        await current().ok('describe servicecidr kubernetes'),
        /Ready +True +\S.* +Kubernetes Service CIDR is ready/,
      );
      assert.match(await current().ok(`describe ipaddress ${address}`), /Resource: +services/);
      assert.match(
        await current().ok('api-resources --api-group=networking.k8s.io'),
        /ipaddresses +ip +networking\.k8s\.io\/v1 +false +IPAddress/,
      );
      assert.match(await current().ok('explain servicecidr.spec'), /cidrs\s+<\[\]string>/);
    });

    test('warnings, and a dry run that takes nothing', async () => {
      const count = async () => (await current().ok('get ip -o name')).split('\n').length;
      const before = await count();
      const dry = await current().run('apply --dry-run=server -f -', service('ext', { externalIPs: ['192.0.2.1'] }));
      assert.equal(dry.stdout, 'service/ext created (server dry run)\n');
      assert.match(dry.stderr, /^Warning: spec\.externalIPs is deprecated/);
      assert.equal(await count(), before);
    });

    test('a ServiceCIDR in use is waited for', async () => {
      assert.equal(
        await current().ok('create -f -', cidr('extra', '10.200.0.0/24')),
        'servicecidr.networking.k8s.io/extra created\n',
      );
      await current().ok('apply -f -', service('guest', { clusterIP: '10.200.0.7' }));
      const busy = await current().run('delete servicecidr extra --timeout=1s');
      assert.equal(busy.code, 1);
      assert.match(busy.stderr, /timed out waiting for the condition/);
      assert.equal(
        await current().ok('get servicecidr extra -o jsonpath={.status.conditions[0].reason}'),
        'Terminating',
      );
      const leaving = current().ok('wait servicecidr extra --for=delete --timeout=300s');
      await current().ok('delete svc guest');
      await leaving;
      assert.equal(
        await current().fails('create -f -', cidr('bad', '10.200.0.1/24')),
        'The ServiceCIDR "bad" is invalid: spec.cidrs[0]: Invalid value: "10.200.0.1/24": must not have bits set beyond the prefix length\n',
      );
    });
  });
}
