export { createIngressRoom } from './controller.ts';
export { INGRESS_ERRORS } from './errors.ts';
