/** A contender in a process of its own: tells its parent when it leads and when no more; stops when told to. */
import { createKubeClient } from '../http-client.ts';
import { runElection } from './leader-election.ts';

const [socketPath = '', identity = ''] = process.argv.slice(2);
const stop = new AbortController();
const client = createKubeClient({ socketPath });
process.on('message', () => stop.abort());
process.on('disconnect', () => process.exit());
await runElection(client, {
  lease: { namespace: 'default', name: 'processes' },
  identity,
  leaseDuration: 2000,
  renewDeadline: 1500,
  retryPeriod: 200,
  signal: stop.signal,
  lead: async ({ signal }) => {
    process.send?.('leads');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    process.send?.('leads no more');
  },
});
client.close();
process.disconnect();
