import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClusterConfig } from './cluster-config.ts';

test('everything has a default', () => {
  const config = parseClusterConfig();
  assert.deepEqual(config.podCidrs, ['10.244.0.0/16']);
  assert.deepEqual(config.serviceCidrs, ['10.96.0.0/12']);
  assert.equal(config.dnsAddress, '10.96.0.10');
  assert.deepEqual(config.nodePortRange, [30000, 32767]);
  assert.equal(parseClusterConfig({ serviceCidrs: ['10.0.0.0/16'] }).dnsAddress, '10.0.0.10');
});

test('all faults are reported at once, by path', () => {
  assert.throws(
    () => parseClusterConfig({ podCidrs: ['10.0.0'], backend: 'carrier-pigeon', colour: 'red' }),
    (error: Error) => {
      assert.match(error.message, /podCidrs\.0: not an address prefix/);
      assert.match(error.message, /backend: /);
      assert.match(error.message, /colour/);
      return true;
    },
  );
});

test('what does not go together is reported beside what is wrong by itself, of fields that are not', () => {
  const problemsOf = (input: unknown): unknown => {
    try {
      return parseClusterConfig(input);
    } catch (error) {
      return (error as { readonly details: { readonly problems: readonly string[] } }).details.problems;
    }
  };
  const wrong = { podCidrs: ['10.96.0.0/16', '10.0.0'], serviceCidrs: ['10.1.0.0/16'], dnsAddress: '10.2.0.1' };
  assert.deepEqual(problemsOf({ ...wrong, nodePortRange: [9, 1], loadBalancerPools: ['10.1.7.0/24'] }), [
    'podCidrs.1: not an address prefix; write 10.244.0.0/16 or fd00::/64',
    'serviceCidrs 10.1.0.0/16 overlaps loadBalancerPools 10.1.7.0/24; choose ranges that do not',
    'dnsAddress 10.2.0.1 is in none of serviceCidrs 10.1.0.0/16',
    'nodePortRange 9-1 ends before it begins',
  ]);
  assert.equal((problemsOf({ colour: 'red', nodePortRange: [9, 1] }) as string[]).length, 2);
  for (const text of ['podCidrs', 7, []]) assert.equal((problemsOf(text) as string[]).length, 1);
});

test('ranges that overlap or misfit are refused', () => {
  const code = 'KUBE_BAD_CONFIG';
  assert.throws(() => parseClusterConfig({ podCidrs: ['10.100.0.0/16'] }), {
    code,
    message: /podCidrs 10\.100\.0\.0\/16 overlaps serviceCidrs 10\.96\.0\.0\/12/,
  });
  assert.throws(() => parseClusterConfig({ dnsAddress: '192.168.0.1' }), {
    code,
    message: /dnsAddress 192\.168\.0\.1 is in none/,
  });
  const peer = (name: string) => ({ name, kubeconfig: '/k' });
  assert.throws(() => parseClusterConfig({ clusterName: 'a', clusterPeers: [peer('b'), peer('a')] }), {
    code,
    message: /two clusters of the set are called a:/,
  });
  assert.throws(() => parseClusterConfig({ clusterPeers: [{ name: 'b', kubeconfig: './k' }] }), {
    code,
    message: /clusterPeers\.0\.kubeconfig: not an absolute path/,
  });
  assert.throws(() => parseClusterConfig({ clusterSetDomain: 'set.cluster.local' }), {
    code,
    message: /clusterSetDomain set\.cluster\.local and clusterDomain cluster\.local must not lie in each other/,
  });
  assert.throws(() => parseClusterConfig({ nodePortRange: [31000, 30000] }), {
    code,
    message: /ends before it begins/,
  });
});
