/** The measured process of `envtest.ts`: starts and ends API servers, and sends how long each took until it was ready,
 * and until its first answer over TLS was there. */
import { Agent, request } from 'node:https';
import { startApiServer } from '../packages/apiserver/src/index.ts';
import { parsePrefix } from '../packages/base/src/index.ts';
import { milliseconds } from './turns.ts';

/** Status of one POST with the credentials of a kubeconfig. */
function create(port: number, kubeconfig: string): Promise<number> {
  const pem = (field: string): string =>
    Buffer.from(new RegExp(`${field}: (\\S+)`).exec(kubeconfig)?.[1] ?? '', 'base64').toString();
  const credentials = { cert: pem('client-certificate-data'), key: pem('client-key-data') };
  const agent = new Agent({ ca: pem('certificate-authority-data'), ...credentials });
  const path = '/api/v1/namespaces/default/configmaps';
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end('{"metadata":{"name":"a"}}');
  });
}

const took: { readonly ready: number; readonly answer: number }[] = [];
for (let round = 0; round < Number(process.argv[2]); round++) {
  let close = async (): Promise<void> => {};
  let [port, kubeconfig] = [0, ''];
  const ready = await milliseconds(async () => {
    const serviceCidrs = [parsePrefix('10.96.0.0/12')];
    const server = await startApiServer({ serviceCidrs, nodePortRange: [30000, 32767] });
    close = () => server.close();
    port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
    kubeconfig = server.kubeconfig(`https://127.0.0.1:${port}`);
  });
  const answer = await milliseconds(async () => {
    const status = await create(port, kubeconfig);
    if (status !== 201) throw new Error(`the API server answered ${status}`);
  });
  took.push({ ready, answer: ready + answer });
  await close();
}
process.send?.(took);
process.once('disconnect', () => process.exit());
