export { CLI_ERRORS } from './errors.ts';
