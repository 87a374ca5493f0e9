import type { ApiObject } from '../seam.ts';
import { formatAge } from '../surface/age.ts';
import type { Cell, Column } from '../surface/columns.ts';
import type { CustomVersion, PrinterColumn } from './definition/definition.ts';
import { type JsonPath, parseJsonPath } from './json-path.ts';

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** The columns of a version as `kubectl get` shows them; without any, the age. */
export function printerColumns({ columns }: CustomVersion): readonly Column<ApiObject>[] {
  return (columns.length > 0 ? columns : [AGE]).map(columnOf);
}

function columnOf({ name, type, jsonPath, priority = 0, format, description }: PrinterColumn): Column<ApiObject> {
  const path = parseJsonPath(jsonPath) ?? (() => []);
  const cell = (object: ApiObject, now: number) => cellOf(path, type, { object, now });
  return { name, type, wide: priority > 0, priority, format, description, cell };
}

function cellOf(path: JsonPath, type: string, { object, now }: { object: ApiObject; now: number }): Cell {
  const [value] = path(object);
  if (value === undefined || value === null) return null;
  if (type === 'date') return typeof value === 'string' ? formatAge(value, now) : '<unknown>';
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  if (type === 'boolean') return typeof value === 'boolean' ? value : null;
  if (typeof value !== 'number') return null;
  return type === 'integer' ? Math.trunc(value) : value;
}
