import { type KubeClient, type Pod, recordEvent } from '@podwire/kube';

/** Something people should read in `kubectl describe pod`. */
interface RuntimeEvent {
  readonly pod: Pod;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** `spec.containers{web}`; absent: the pod as a whole. */
  readonly fieldPath?: string;
}

export type EventSink = (event: RuntimeEvent) => void;

/** How long events wait, so that they do not compete with what they tell about. */
const DELAY = 50;

/** Writes events in order, in the background; what fails is lost. */
export function apiEvents(client: KubeClient, nodeName: string): EventSink {
  const queue: RuntimeEvent[] = [];
  let running = false;
  const flush = async (): Promise<void> => {
    for (let event = queue.shift(); event; event = queue.shift()) await write(client, nodeName, event);
    running = false;
  };
  return (event) => {
    queue.push(event);
    if (running) return;
    running = true;
    setTimeout(flush, DELAY).unref();
  };
}

async function write(
  client: KubeClient,
  host: string,
  { pod, type, reason, message, fieldPath }: RuntimeEvent,
): Promise<void> {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  const object = { apiVersion: 'v1', kind: 'Pod', name, namespace, uid, ...(fieldPath ? { fieldPath } : {}) };
  await recordEvent(client, {
    object,
    type,
    reason,
    message: message.slice(0, 1024),
    component: 'podwire-runtime',
    host,
  });
}
