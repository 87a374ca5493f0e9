import { tryParseIp } from '@podwire/base';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { BAD_IP } from './addresses.ts';
import { validateContainer } from './container-validation.ts';
import { validateEphemeralContainers } from './ephemeral-validation.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabels } from './metadata-validation.ts';
import { dnsLabel, dnsSubdomain, notNegative } from './names.ts';
import { validateResizePolicy } from './pod-resize-validation.ts';
import { validateVolumes } from './volume-validation.ts';

export function validatePodSpec(spec: PodSpec, at: string, errors: FieldErrors): void {
  const volumeNames = validateVolumes(spec.volumes ?? [], `${at}.volumes`, errors);
  const context = { volumeNames, hostNetwork: spec.hostNetwork === true };
  const names = new Set<string>();
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach((container, index) => {
      const path = `${at}.${list}[${index}]`;
      if (names.has(container.name)) errors.duplicate(`${path}.name`, container.name);
      names.add(container.name);
      validateContainer(container, path, context, errors);
      validateResizePolicy(container, `${path}.resizePolicy`, spec.restartPolicy, errors);
    });
  }
  validateEphemeralContainers(spec, `${at}.ephemeralContainers`, context, errors);
  validatePlace(spec, at, errors);
  validateResolution(spec, at, errors);
}

/** Where the pod runs and for how long. */
function validatePlace(spec: PodSpec, at: string, errors: FieldErrors): void {
  validateLabels(spec.nodeSelector, `${at}.nodeSelector`, errors);
  if (spec.nodeName) errors.invalidEach(`${at}.nodeName`, spec.nodeName, dnsSubdomain(spec.nodeName));
  const { serviceAccountName, terminationGracePeriodSeconds: grace, activeDeadlineSeconds: deadline } = spec;
  if (serviceAccountName)
    errors.invalidEach(`${at}.serviceAccountName`, serviceAccountName, dnsSubdomain(serviceAccountName));
  if (grace !== undefined) errors.invalidEach(`${at}.terminationGracePeriodSeconds`, grace, notNegative(grace));
  if (deadline !== undefined && (deadline < 1 || deadline > 2 ** 31 - 1)) {
    errors.invalid(`${at}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive');
  }
  spec.tolerations?.forEach((toleration, index) => {
    const path = `${at}.tolerations[${index}]`;
    if (!toleration.key && toleration.operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.invalid(`${path}.operator`, toleration.operator ?? '', detail);
    }
    if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
      errors.invalid(
        `${path}.effect`,
        toleration.effect ?? '',
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    }
  });
}

/** Names and resolvers of the pod. */
function validateResolution(spec: PodSpec, at: string, errors: FieldErrors): void {
  for (const field of ['hostname', 'subdomain'] as const) {
    const value = spec[field];
    if (value) errors.invalidEach(`${at}.${field}`, value, dnsLabel(value));
  }
  const { dnsConfig, dnsPolicy, hostAliases } = spec;
  if (dnsPolicy === 'None') {
    const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    if (!dnsConfig) errors.required(`${at}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None');
    else if (!dnsConfig.nameservers?.length) errors.required(`${at}.dnsConfig.nameservers`, detail);
  }
  if ((dnsConfig?.nameservers?.length ?? 0) > 3) {
    errors.invalid(`${at}.dnsConfig.nameservers`, dnsConfig?.nameservers, 'must not have more than 3 nameservers');
  }
  dnsConfig?.nameservers?.forEach((server, index) => {
    if (!tryParseIp(server)) errors.invalid(`${at}.dnsConfig.nameservers[${index}]`, server, BAD_IP);
  });
  hostAliases?.forEach(({ ip, hostnames = [] }, index) => {
    const path = `${at}.hostAliases[${index}]`;
    if (ip && !tryParseIp(ip)) errors.invalid(`${path}.ip`, ip, BAD_IP);
    hostnames.forEach((name, nameIndex) => {
      errors.invalidEach(`${path}.hostnames[${nameIndex}]`, name, dnsSubdomain(name));
    });
  });
}
