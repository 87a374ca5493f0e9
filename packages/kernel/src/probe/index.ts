export { FEATURE_GROUPS, PROBES, type ProbeName, type ProbeResult, probe } from './probe.ts';
