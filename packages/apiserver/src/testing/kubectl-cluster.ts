import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePrefix } from '@podwire/base';
import type { KubeClient } from '@podwire/kube';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../server.ts';
import { FakePods } from './fake-pods.ts';
import { type Kubectl, type KubectlResult, type KubectlSession, runKubectl } from './kubectl.ts';

/** An API server in memory and a kubectl that talks to it. */
export class Cluster {
  readonly pods = new FakePods();
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly session: KubectlSession;

  private constructor(server: ApiServer, pods: FakePods, session: KubectlSession) {
    this.server = server;
    this.pods = pods;
    this.client = server.client();
    this.session = session;
  }

  static async start(kubectl: Kubectl, options: ApiServerOptions = {}): Promise<Cluster> {
    const home = await mkdtemp(join(tmpdir(), 'podwire-kubectl-'));
    const pods = new FakePods();
    const server = await startApiServer({
      serviceCidrs: [parsePrefix('10.96.0.0/12')],
      nodePortRange: [30000, 32767],
      streams: pods,
      ...options,
    });
    const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
    const kubeconfig = join(home, 'kubeconfig');
    await writeFile(kubeconfig, server.kubeconfig(`https://127.0.0.1:${port}`), { mode: 0o600 });
    return new Cluster(server, pods, { kubectl, kubeconfig, home });
  }

  async stop(): Promise<void> {
    await this.server.close();
    await rm(this.session.home, { recursive: true });
  }

  run(line: string, input?: object | string): Promise<KubectlResult> {
    const text = input === undefined || typeof input === 'string' ? input : JSON.stringify(input);
    return runKubectl(this.session, line.split(' '), text);
  }

  /** Output of a command that must succeed. */
  async ok(line: string, input?: object | string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, input);
    assert.equal(code, 0, `kubectl ${line}: ${stdout}${stderr}`);
    return stdout;
  }

  /** The error of a command that must fail. */
  async fails(line: string, input?: object | string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, input);
    assert.equal(code, 1, `kubectl ${line}: ${stdout}${stderr}`);
    return stderr;
  }
}
