import type { Remark } from '../event.ts';
import type { JobCondition, JobStatus } from './job-conditions.ts';

/** What Events tell of the way from one status of a Job to the next. */
export function jobRemarks(before: JobStatus | undefined, now: JobStatus): Remark[] {
  const known = (before?.conditions ?? []).map(keyOf);
  return (now.conditions ?? []).filter((condition) => !known.includes(keyOf(condition))).flatMap(remarkOn);
}

const keyOf = ({ type, status }: JobCondition): string => `${type} ${status}`;

function remarkOn({ type, status, reason = '', message = '' }: JobCondition): Remark[] {
  if (type === 'Complete') return [{ type: 'Normal', reason: 'Completed', message: 'Job completed' }];
  if (type === 'Failed') return [{ type: 'Warning', reason, message }];
  if (type !== 'Suspended') return [];
  return [{ type: 'Normal', reason: status === 'True' ? 'Suspended' : 'Resumed', message }];
}
