import type { ServiceImport, ServiceImportPort } from '@podwire/kube';
import { ipAddress } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel, portNumber } from './names.ts';

const AT = 'spec.ports';

/** What the schema of the custom resource says, and that addresses and ports are such. */
export function validateServiceImport({ spec, status }: ServiceImport, errors: FieldErrors): void {
  for (const [index, { cluster }] of (status?.clusters ?? []).entries())
    errors.invalidEach(`status.clusters[${index}].cluster`, cluster, dnsLabel(cluster));
  if (!spec) return;
  const { ips = [], ipFamilies = [], ports } = spec;
  if (!ports) errors.required(AT);
  validatePorts(ports ?? [], errors);
  if (ips.length > 2) errors.tooMany('spec.ips', ips.length, 2);
  if (ipFamilies.length > 2) errors.tooMany('spec.ipFamilies', ipFamilies.length, 2);
  for (const [index, ip] of ips.entries()) errors.invalidEach(`spec.ips[${index}]`, ip, ipAddress(ip));
  const [first, second] = ips;
  if (first && second && first.includes(':') === second.includes(':'))
    errors.invalid('spec.ips', ips, 'may hold no more than one IP for each IP family');
}

function validatePorts(ports: readonly ServiceImportPort[], errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, { name = '', port }] of ports.entries()) {
    errors.invalidEach(`${AT}[${index}].port`, port, portNumber(port));
    if (name) errors.invalidEach(`${AT}[${index}].name`, name, dnsLabel(name));
    else if (ports.length > 1) errors.required(`${AT}[${index}].name`);
    if (name && names.has(name)) errors.duplicate(`${AT}[${index}].name`, name);
    names.add(name);
  }
}
