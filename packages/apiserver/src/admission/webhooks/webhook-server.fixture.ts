import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Bench } from '../../core/rest.fixture.ts';
import { openPki } from '../../surface/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: an AdmissionReview, as it came
type Review = any;

/** `response` of the AdmissionReview, or a whole answer. */
type Answer = object | { readonly status: number; readonly text: string };

export interface WebhookServer {
  readonly port: number;
  /** `clientConfig` of a webhook at this server. */
  clientConfig(path?: string): object;
  readonly caBundle: string;
  /** The requests of the reviews it got, in order. */
  readonly requests: Review[];
  /** Paths with queries, in order. */
  readonly paths: string[];
  /** How many connections were opened. */
  readonly connections: () => number;
}

export const HOOK_NAME = 'hook.default.svc';

/** A webhook on loopback that answers what it is told to. */
export async function webhookServer(
  t: TestContext,
  answer: (request: Review, path: string) => Answer | Promise<Answer>,
): Promise<WebhookServer> {
  const { ca, serving } = await openPki({ names: ['127.0.0.1', HOOK_NAME] });
  const requests: Review[] = [];
  const paths: string[] = [];
  let connections = 0;
  const server = https.createServer({ ...serving, keepAliveTimeout: 0 }, async (request, response) => {
    const { request: asked, apiVersion, kind } = JSON.parse((await request.toArray()).join(''));
    requests.push(asked);
    paths.push(request.url ?? '');
    const said = await answer(asked, (request.url ?? '').split('?')[0] ?? '');
    if ('status' in said && 'text' in said) return response.writeHead(Number(said.status)).end(said.text);
    return response.end(JSON.stringify({ kind, apiVersion, response: { uid: asked.uid, ...said } }));
  });
  server.on('secureConnection', () => connections++);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(ca).toString('base64');
  const clientConfig = (path = '/') => ({ url: `https://127.0.0.1:${port}${path}`, caBundle });
  return { port, clientConfig, caBundle, requests, paths, connections: () => connections };
}

/** `patch` and `patchType` of a response. */
export function patchOf(...operations: readonly object[]): object {
  return { allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') };
}

const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };

/** Configures webhooks `a.example.com`, `b...` of a kind. */
export async function configure(bench: Bench, kind: 'mutating' | 'validating', ...webhooks: readonly object[]) {
  const named = webhooks.map((fields, index) => ({
    // A machine that is busy is no webhook that does not answer.
    timeoutSeconds: 30,
    ...{ name: `${'abc'[index]}.example.com`, rules: [RULE], sideEffects: 'None', admissionReviewVersions: ['v1'] },
    ...fields,
  }));
  const made = await bench.ask(`POST /apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`, {
    metadata: { name: kind },
    webhooks: named,
  });
  assert.equal(made.code, 201, made.body.message);
}
