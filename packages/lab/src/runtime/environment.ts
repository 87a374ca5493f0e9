import type { Service } from '@podwire/kube';

export type Environment = Readonly<Record<string, string>>;

/**
 * Replaces `$(NAME)` by the variable's value; `$$` is a dollar sign; a name that is not there stays as written.
 * Kubernetes' rules for command, args and env values (kubernetes/kubernetes third_party/forked/golang/expansion).
 */
export function expandVariables(text: string, env: Environment): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(env, name) ? (env[name] ?? '') : whole;
  });
}

/**
 * The variables that tell a pod of the Services of its namespace and of default/kubernetes: NAME_SERVICE_HOST,
 * NAME_SERVICE_PORT and the Docker link forms. With `links` false only default/kubernetes (enableServiceLinks).
 */
export function serviceEnvironment(services: readonly Service[], namespace: string, links: boolean): Environment {
  const env: Record<string, string> = {};
  for (const service of services) {
    const { name = '', namespace: home } = service.metadata ?? {};
    const isApi = home === 'default' && name === 'kubernetes';
    const ip = service.spec?.clusterIP;
    if (!ip || ip === 'None' || !(isApi || (links && home === namespace))) continue;
    Object.assign(env, linkVariables(name, ip, service.spec?.ports ?? []));
  }
  return env;
}

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

function linkVariables(name: string, ip: string, ports: readonly ServicePort[]): Record<string, string> {
  const prefix = variableName(name);
  const [first] = ports;
  if (!first) return {};
  const env: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: ip,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
  };
  for (const port of ports) {
    const protocol = (port.protocol ?? 'TCP').toLowerCase();
    const link = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
    const url = `${protocol}://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`;
    if (port.name) env[`${prefix}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
    if (port === first) env[`${prefix}_PORT`] = url;
    Object.assign(env, {
      [link]: url,
      [`${link}_PROTO`]: protocol,
      [`${link}_PORT`]: String(port.port),
      [`${link}_ADDR`]: ip,
    });
  }
  return env;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
