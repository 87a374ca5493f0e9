import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { deleteNetns } from './netns/netns.ts';

const directory = path.resolve(import.meta.dirname, '..');

test('the examples of the README run', () => {
  const blocks = [...fs.readFileSync(path.join(directory, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)];
  const name = `pwt-readme-${process.pid}`;
  const run = (code: string) => {
    const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '--eval', code];
    return execFileSync(process.execPath, flags, { cwd: directory }).toString();
  };
  try {
    const outputs = blocks.map(([, code = '']) => run(code.replaceAll('example-kernel', name)));
    assert.deepEqual(outputs, [
      'hello from the namespace\n',
      "{ name: 'eth0', mtu: 1450 }\n",
      // netlink
      'ERANGE IFLA_LINKINFO IFLA_INFO_DATA IFLA_VXLAN_ID undefined\ntrue\ntrue\n',
      // BPF
      '{ address: 167772162, port: 5353 }\nfalse\n',
      '0 2\n   2: (15) if r2 == 0xdd86 goto pc+1\n',
      // datagrams, tun links and captures
      'datagram 63\n',
      'hello\n',
      '(udp) and (dst port 53)\nout question\nin question\n',
      // links, addresses, routes, rules, neighbours
      [
        'IFLA_IFNAME "tunnel"',
        'IFLA_MTU 1400',
        'IFLA_LINKINFO',
        '  IFLA_INFO_KIND "vxlan"',
        '  IFLA_INFO_DATA',
        '    IFLA_VXLAN_ID 7',
        '    IFLA_VXLAN_TTL 9',
        '    IFLA_VXLAN_PORT 4789',
        '1400 vxlan 7\n',
      ].join('\n'),
      // traffic control, sockets
      'root { rate: 8000000, burst: 20000, limit: 70000 }\n',
      "{ address: '127.0.0.1', port: 80 }\nread ECONNABORTED\n",
      // connections, logs, traces
      '10.96.0.10 -> 10.0.0.2:5353\n1\ndestroy 10.0.0.2\n',
    ]);
  } finally {
    deleteNetns(name);
  }
});
