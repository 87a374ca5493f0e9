import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@podwire/base';
import { parseYaml } from '@podwire/kube';
import type { YamlOutcome } from './yaml-body.ts';

/** Reads the one text it is started with. */
function outcomeOf(text: string): YamlOutcome {
  try {
    return { value: parseYaml(text, 'body') };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

parentPort?.postMessage(outcomeOf(workerData as string));
