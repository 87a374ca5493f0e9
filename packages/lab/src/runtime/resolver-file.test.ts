import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHosts, podHostname } from './hosts-file.ts';
import { formatResolver, parseResolver, podResolver, type ResolverInput } from './resolver-file.ts';

const node = parseResolver('# c\nnameserver 192.0.2.1\nsearch example.com\noptions timeout:1\n');
const resolver = (spec: ResolverInput['spec']): string =>
  formatResolver(
    podResolver({ namespace: 'ns', spec, clusterDomain: 'cluster.local', dnsAddress: '10.96.0.10', node }),
  );

const CLUSTER =
  'nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local example.com\noptions ndots:5\n';
const OF_NODE = 'nameserver 192.0.2.1\nsearch example.com\noptions timeout:1\n';

test('DNS-10: the policies', () => {
  assert.equal(resolver({}), CLUSTER);
  assert.equal(resolver({ dnsPolicy: 'Default' }), OF_NODE);
  assert.equal(resolver({ hostNetwork: true, dnsPolicy: 'ClusterFirst' }), OF_NODE);
  assert.equal(resolver({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), CLUSTER);
  assert.equal(
    resolver({
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.9'], searches: ['a.', 'a'], options: [{ name: 'edns0' }] },
    }),
    'nameserver 192.0.2.9\nsearch a\noptions edns0\n',
  );
});

test('DNS-10: dnsConfig is merged, limits hold, nothing becomes syntax', () => {
  assert.equal(
    resolver({ dnsConfig: { options: [{ name: 'ndots', value: '2' }], nameservers: ['192.0.2.9'] } }),
    'nameserver 10.96.0.10\nnameserver 192.0.2.9\nsearch ns.svc.cluster.local svc.cluster.local cluster.local example.com\noptions ndots:2\n',
  );
  const many = Array.from({ length: 40 }, (_, i) => `s${i}.example`);
  assert.equal(
    resolver({ dnsConfig: { searches: many } })
      .split('\n')[1]
      ?.split(' ').length,
    33,
  );
  assert.equal(
    resolver({
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1\nnameserver 6.6.6.6'], searches: ['a b', 'x#y'] },
    }),
    '',
  );
});

test('DNS-10: hosts has the own name with its subdomain, and hostAliases', () => {
  const pod = {
    metadata: { name: 'web-0', namespace: 'ns' },
    spec: {
      containers: [],
      subdomain: 'web',
      hostAliases: [
        { ip: '10.0.0.9', hostnames: ['a', 'b'] },
        { ip: '10.0.0.8', hostnames: ['c\n6.6.6.6 d'] },
      ],
    },
  };
  const hosts = formatHosts({ pod, podIp: '10.244.0.5', clusterDomain: 'cluster.local' });
  assert.match(hosts, /^127\.0\.0\.1\tlocalhost$/m);
  assert.match(hosts, /^10\.244\.0\.5\tweb-0\.web\.ns\.svc\.cluster\.local\tweb-0$/m);
  assert.match(hosts, /^10\.0\.0\.9\ta\tb$/m);
  assert.doesNotMatch(hosts, /6\.6\.6\.6/);
  assert.equal(podHostname({ metadata: { name: `${'a'.repeat(62)}-b` } }), 'a'.repeat(62));
});
