// Runs a TypeScript entry point of the repository on Node 24, having installed what is missing first.
// Plain JavaScript on purpose: this is the only file that an older Node has to read.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const nodeBinary = path.join(root, 'node_modules/node/bin/node');
const [entry, ...args] = process.argv.slice(2);

/** npm writes this file last; it is older than the lock file after a pull that changed dependencies. */
const installStamp = path.join(root, 'node_modules/.package-lock.json');
const lockFile = path.join(root, 'package-lock.json');

function packagesAreInstalled() {
  if (!existsSync(nodeBinary) || !existsSync(installStamp)) return false;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  if (statSync(installStamp).mtimeMs >= statSync(lockFile).mtimeMs) return true;
  const present = JSON.parse(readFileSync(installStamp, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([place, p]) => place === '' || p.link || p.optional || present[place]?.version === p.version,
  );
}

/** Not `npm ci`: it insists on the lock entries of other platforms' optional packages, which not every registry has. */
function installPackages() {
  console.error('podwire: installing npm packages (once)...');
  const npm = spawnSync('npm', ['install', '--no-save', '--no-progress', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.error?.code === 'ENOENT') fail('npm is not on PATH; install npm (apt-get install npm) and run this again');
  if (npm.status !== 0 || !existsSync(nodeBinary))
    fail('npm install failed (its messages are above); mend what it names and run this again');
}

function fail(message) {
  console.error(`podwire: ${message}`);
  process.exit(1);
}

if (!packagesAreInstalled()) installPackages();

/** A server sees the end of this pipe when its launcher is killed outright (packages/cli/src/launcher.ts). */
const followed =
  args[0] === 'apiserver' || args[0] === 'agent'
    ? { stdio: ['inherit', 'inherit', 'inherit', 'pipe'], env: { ...process.env, PODWIRE_LAUNCHER_FD: '3' } }
    : { stdio: 'inherit' };

/** What Node is started with for these; memory.ts and node-flags.ts beside them say why. */
const flagsFiles = {
  agent: 'packages/agent/src/node-flags.json',
  apiserver: 'packages/apiserver/src/node-flags.json',
};
const flagsFile = flagsFiles[args[0]];
const flags = flagsFile ? JSON.parse(readFileSync(path.join(root, flagsFile), 'utf8')) : [];

const command = ['--disable-warning=ExperimentalWarning', ...flags, path.join(root, entry), ...args];
const child = spawn(nodeBinary, command, followed);
child.stdio[3]?.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal) process.exit(128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1));
  process.exit(code ?? 1);
});
