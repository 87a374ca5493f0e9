export { createPolicyRoom, type PolicyRoom } from './controller.ts';
export { POLICY_ERRORS } from './errors.ts';
export { type Connection, type DirectionJudgement, type Judgement, judge } from './judge.ts';
export { buildModel, type PolicyModel, type PolicySnapshot } from './model.ts';
export { type PolicyPlan, plan, TABLE_NAME } from './plan.ts';
