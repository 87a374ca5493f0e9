/** The lab daemon: `node daemon.ts NAME`, started detached by `podwire up`, with the configuration in the lab's state directory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '@podwire/base';
import { Control } from './control.ts';
import type { Lab } from './lab.ts';
import { parseLabConfig } from './lab-config.ts';
import { labPaths } from './lab-paths.ts';
import { NodeWorker } from './node-thread.ts';
import { startTimeOf } from './pid-identity.ts';

const [name = ''] = process.argv.slice(2);
const paths = labPaths(name);
const started = performance.now();
const elapsed = (): number => Math.round(performance.now() - started);
const writeLog = (line: string): void => void process.stderr.write(`${line}\n`);

// Written before anything is made, so that `down` finds the daemon whatever happens next; never over another daemon's.
writeFileSync(paths.pidFile, `${process.pid} ${startTimeOf(process.pid)}\n`, { mode: 0o600, flag: 'wx' });
const control = new Control();
await control.listen(paths.controlSocket);

let lab: Lab | undefined;
let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  control.close();
  await lab?.stop().catch((error) => writeLog(`stop: ${messageOf(error)}`));
  process.exit(0);
};
process.on('SIGTERM', stop).on('SIGINT', stop);

try {
  const config = parseLabConfig(JSON.parse(readFileSync(paths.configFile, 'utf8')));
  const onDeath = ({ message, cause }: Error): void =>
    writeLog(cause instanceof Error ? `${message}\n${cause.stack}` : message);
  const makeWorker = (): NodeWorker => new NodeWorker({ writeLog, onDeath });
  const workers = config.nodes.map(makeWorker);
  // Loaded while the workers load theirs.
  const { startLab } = await import('./lab.ts');
  lab = await startLab({
    config,
    writeLog,
    workers,
    makeWorker,
    progress: (step) => control.report({ step, ms: elapsed() }),
  });
  control.ready(lab, elapsed());
} catch (error) {
  writeLog(error instanceof Error ? (error.stack ?? error.message) : String(error));
  control.report({ ms: elapsed(), failed: messageOf(error) });
  // Long enough for `podwire up` to read why.
  setTimeout(() => process.exit(1), 500);
}
