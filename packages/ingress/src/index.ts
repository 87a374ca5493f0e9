export { createIngressRoom } from './controller.ts';
export { INGRESS_ERRORS } from './errors.ts';
export { startSecretAccess } from './secret-access.ts';
