export { type Controllers, startControllers } from './controllers.ts';
