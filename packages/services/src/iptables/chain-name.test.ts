import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainNames } from './chain-name.ts';

test('chains have the names that kube-proxy gives them', () => {
  const api = new ChainNames({ service: 'default/kubernetes', portName: 'https', protocol: 'tcp' });
  assert.equal(api.of('KUBE-SVC-'), 'KUBE-SVC-NPX46M4PTMTKRN6Y');
  const dns = { service: 'kube-system/kube-dns', portName: 'dns' } as const;
  assert.equal(new ChainNames({ ...dns, protocol: 'udp' }).of('KUBE-SVC-'), 'KUBE-SVC-TCOU7JCQXEZGVUNU');
  const overTcp = new ChainNames({ ...dns, portName: 'dns-tcp', protocol: 'tcp' });
  assert.equal(overTcp.of('KUBE-SVC-'), 'KUBE-SVC-ERIFXISQEP7F7OF4');
});
