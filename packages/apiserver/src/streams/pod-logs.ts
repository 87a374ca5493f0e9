import { messageOf } from '@podwire/base';
import type { LogOptions, Pod, PodStreams } from '@podwire/kube';
import { badRequest } from '../core/status.ts';
import type { ApiRequest, ApiResponse } from '../seam.ts';
import { isSet } from './spdy-exec.ts';

const NUMBERS = ['tailLines', 'sinceSeconds', 'limitBytes'] as const;

/** The container a request means; throws the real server's 400 when that is not clear. */
export function containerOf(pod: Pod, wanted: string | null): string {
  const { metadata, spec } = pod;
  const names = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ name }) => name);
  if (wanted) {
    if (!names.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${metadata?.name}`);
    return wanted;
  }
  const [first] = names;
  if (names.length > 1 || first === undefined) {
    throw badRequest(
      `a container name must be specified for pod ${metadata?.name}, choose one of: [${names.join(' ')}]`,
    );
  }
  return first;
}

/** GET pods/NAME/log. */
export async function answerLogs(streams: PodStreams, pod: Pod, request: ApiRequest): Promise<ApiResponse> {
  const options = logOptions(request.query, containerOf(pod, request.query.get('container')));
  try {
    const stream = await streams.logs(referenceOf(pod), options);
    request.signal.addEventListener('abort', () => stream.destroy(), { once: true });
    if (request.signal.aborted) stream.destroy();
    return { status: 200, headers: { 'content-type': 'text/plain' }, stream };
  } catch (error) {
    throw badRequest(messageOf(error));
  }
}

function logOptions(query: URLSearchParams, container: string): LogOptions {
  const numbers = NUMBERS.flatMap((name) => {
    const text = query.get(name);
    if (text === null) return [];
    if (!/^\d+$/.test(text))
      throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be greater than or equal to 0`);
    return [[name, Number(text)] as const];
  });
  const sinceTime = query.get('sinceTime');
  return {
    container,
    follow: isSet(query, 'follow'),
    previous: isSet(query, 'previous'),
    timestamps: isSet(query, 'timestamps'),
    ...(sinceTime ? { sinceTime } : {}),
    ...Object.fromEntries(numbers),
  };
}

export function referenceOf({ metadata }: Pod): { namespace: string; name: string; uid: string } {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', uid: metadata?.uid ?? '' };
}
