import { quantityValue } from '@podwire/kube';
import type { Container, EnvVar, Probe, ResourceRequirements } from 'kubernetes-types/core/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel, environmentName, notNegative, portName, portNumber, portReference, qualifiedName } from './names.ts';
import { validateMountPaths } from './volume-validation.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
const PROBE_COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;
const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

/** What a container may refer to in its pod. */
export interface ContainerContext {
  readonly volumeNames: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

export function validateContainer(
  container: Container,
  at: string,
  context: ContainerContext,
  errors: FieldErrors,
): void {
  const { name, image } = container;
  if (name) errors.invalidEach(`${at}.name`, name, dnsLabel(name));
  if (!image) errors.required(`${at}.image`);
  else if (image !== image.trim()) errors.invalid(`${at}.image`, image, 'must not have leading or trailing whitespace');
  validatePorts(container, at, context, errors);
  container.env?.forEach((variable, index) => {
    validateEnv(variable, `${at}.env[${index}]`, errors);
  });
  container.envFrom?.forEach((source, index) => {
    const path = `${at}.envFrom[${index}]`;
    if (!source.configMapRef && !source.secretRef) {
      errors.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`');
    }
    if (source.configMapRef && !source.configMapRef.name) errors.required(`${path}.configMapRef.name`);
    if (source.secretRef && !source.secretRef.name) errors.required(`${path}.secretRef.name`);
  });
  validateMounts(container, at, context, errors);
  validateProbe(container.livenessProbe, `${at}.livenessProbe`, errors, true);
  validateProbe(container.readinessProbe, `${at}.readinessProbe`, errors, false);
  validateProbe(container.startupProbe, `${at}.startupProbe`, errors, true);
  validateResources(container.resources, `${at}.resources`, errors);
}

function validatePorts({ ports = [] }: Container, at: string, context: ContainerContext, errors: FieldErrors): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const path = `${at}.ports[${index}]`;
    if (port.name) {
      const wrong = portName(port.name);
      errors.invalidEach(`${path}.name`, port.name, wrong);
      if (wrong.length === 0 && names.has(port.name)) errors.duplicate(`${path}.name`, port.name);
      names.add(port.name);
    }
    if (port.containerPort)
      errors.invalidEach(`${path}.containerPort`, port.containerPort, portNumber(port.containerPort));
    if (port.hostPort) errors.invalidEach(`${path}.hostPort`, port.hostPort, portNumber(port.hostPort));
    if (context.hostNetwork && port.hostPort !== port.containerPort) {
      errors.invalid(`${path}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true');
    }
  });
}

function validateEnv({ name, value, valueFrom }: EnvVar, at: string, errors: FieldErrors): void {
  if (name) errors.invalidEach(`${at}.name`, name, environmentName(name));
  if (!valueFrom) return;
  const sources = ENV_SOURCES.filter((source) => (valueFrom as Record<string, unknown>)[source] !== undefined);
  const path = `${at}.valueFrom`;
  if (sources.length === 0) {
    errors.invalid(
      path,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  } else if (value) {
    errors.invalid(path, '', 'may not be specified when `value` is not empty');
  } else if (sources.length > 1) {
    errors.invalid(path, '', 'may not have more than one field specified at a time');
  }
}

function validateMounts(
  { volumeMounts = [] }: Container,
  at: string,
  context: ContainerContext,
  errors: FieldErrors,
): void {
  const paths = new Set<string>();
  volumeMounts.forEach((mount, index) => {
    const { name, mountPath } = mount;
    const path = `${at}.volumeMounts[${index}]`;
    if (name && !context.volumeNames.has(name)) errors.notFound(`${path}.name`, name);
    if (paths.has(mountPath)) errors.invalid(`${path}.mountPath`, mountPath, 'must be unique');
    paths.add(mountPath);
    validateMountPaths(mount, path, errors);
  });
}

function validateProbe(probe: Probe | undefined, at: string, errors: FieldErrors, onlyOneSuccess: boolean): void {
  if (!probe) return;
  const handlers = HANDLERS.filter((handler) => (probe as Record<string, unknown>)[handler] !== undefined);
  if (handlers.length === 0) errors.required(at, 'must specify a handler type');
  for (const extra of handlers.slice(1)) errors.forbidden(`${at}.${extra}`, 'may not specify more than 1 handler type');
  if (probe.exec && !probe.exec.command?.length) errors.required(`${at}.exec.command`);
  if (probe.httpGet) validatePortOf(probe.httpGet.port, `${at}.httpGet.port`, errors);
  if (probe.tcpSocket) validatePortOf(probe.tcpSocket.port, `${at}.tcpSocket.port`, errors);
  const grpcPort = (probe as { grpc?: { port?: number } }).grpc;
  if (grpcPort) validatePortOf(grpcPort.port ?? 0, `${at}.grpc.port`, errors);
  for (const field of PROBE_COUNTS) {
    const value = probe[field];
    if (value !== undefined) errors.invalidEach(`${at}.${field}`, value, notNegative(value));
  }
  if (onlyOneSuccess && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.invalid(`${at}.successThreshold`, probe.successThreshold, 'must be 1');
  }
}

function validatePortOf(port: string | number | undefined, at: string, errors: FieldErrors): void {
  errors.invalidEach(at, port ?? 0, portReference(port ?? 0));
}

function validateResources(resources: ResourceRequirements | undefined, at: string, errors: FieldErrors): void {
  for (const part of ['limits', 'requests'] as const) {
    for (const [name, quantity] of Object.entries(resources?.[part] ?? {})) {
      const path = `${at}.${part}.${name}`;
      errors.invalidEach(`${at}.${part}`, name, name === 'cpu' || name === 'memory' ? [] : qualifiedName(name));
      errors.invalidEach(path, quantity, notNegative(quantityValue(quantity)));
    }
  }
  for (const [name, request] of Object.entries(resources?.requests ?? {})) {
    const limit = resources?.limits?.[name];
    if (limit !== undefined && quantityValue(request) > quantityValue(limit)) {
      errors.invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`);
    }
  }
}
