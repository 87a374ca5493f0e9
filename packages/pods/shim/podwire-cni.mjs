#!/usr/bin/env node
// The CNI binary where no C compiler is: the same contract as podwire-cni.c, in any Node from 18 on.
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DEFAULT_SOCKET = '/run/podwire/cni.sock';

function socketPath() {
  const conf = join(dirname(fileURLToPath(import.meta.url)), 'podwire-cni.conf');
  const line = existsSync(conf) ? readFileSync(conf, 'utf8').split(/\r?\n/)[0] : '';
  return process.env.PODWIRE_CNI_SOCKET || line || DEFAULT_SOCKET;
}

function finish(stdout, exitCode) {
  process.exitCode = exitCode;
  process.stdout.write(stdout);
}

function giveUp(why) {
  const code = process.env.CNI_COMMAND === 'STATUS' ? 50 : 11;
  finish(`${JSON.stringify({ cniVersion: '1.1.0', code, msg: `the podwire agent ${why}; is it running?` })}\n`, 1);
}

function readInput() {
  try {
    return readFileSync(0, 'utf8');
  } catch {
    return '';
  }
}

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('CNI_')));
const body = Buffer.from(JSON.stringify({ env, stdin: readInput() }));
const header = Buffer.alloc(4);
header.writeUInt32BE(body.length);
const socket = connect(socketPath(), () => socket.write(Buffer.concat([header, body])));
const parts = [];
socket.on('data', (part) => parts.push(part));
socket.on('error', () => giveUp('cannot be reached on its CNI socket'));
socket.on('end', () => {
  try {
    const { stdout, exitCode } = JSON.parse(Buffer.concat(parts).toString('utf8', 4));
    finish(stdout, exitCode);
  } catch {
    giveUp('gave no answer');
  }
});
