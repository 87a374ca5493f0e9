/**
 * G23, simulated scale: one API server, started as `podwire apiserver` is, with 5,000 nodes, 150,000 pods and 10,000 Services
 * in memory and a watch of every kind attached over HTTP/2 from another process; 5,000 writes a second for a while.
 */
import { once } from 'node:events';
import { forkApiServer } from './child.ts';

const [code] = await once(forkApiServer('scale-server.ts'), 'exit');
process.exitCode = code ?? 1;
