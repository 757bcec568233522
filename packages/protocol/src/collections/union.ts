import { type Collection, declarationSchema } from './declaration.ts';
import type { Field, Fields } from './field.ts';
import { bothRetentions } from './retention.ts';

/**
 * One declaration that documents of all of them fit, as far as they can agree: all fields, a field of two types as `json`; all
 * indexes and searched fields that hold then. Personal is what one of them says is, and readers are those that each allows. What one
 * of them keeps is kept. The first one has the help.
 */
export function unionOf([first, ...others]: readonly [Collection, ...Collection[]]): Collection {
  return others.reduce(both, first);
}

function both(one: Collection, other: Collection): Collection {
  const fields = bothFields(one.fields ?? {}, other.fields ?? {});
  const isOpen = [one, other].some(({ fields: declared, open }) => declared === undefined || open === true);
  const { name, help, document } = one;
  const retention = bothRetentions(one.retention, other.retention);
  const ttls = [one.ttl, other.ttl].filter((ttl) => ttl !== undefined);
  const union = {
    ...(help !== undefined && { help }),
    fields,
    open: isOpen,
    search: [...new Set([...(one.search ?? []), ...(other.search ?? [])])],
    ...(ttls.length === 2 && { ttl: Math.max(...ttls) }),
    ...(retention !== undefined && { retention }),
    ...bothReaders(one.readers, other.readers),
  };
  const indexes = [...(one.indexes ?? []), ...(other.indexes ?? [])].filter((paths, at, all) => {
    const isFirst = all.findIndex((earlier) => earlier.join() === paths.join()) === at;
    return isFirst && declarationSchema.safeParse({ fields, indexes: [paths] }).success;
  });
  return { name, ...(document !== undefined && { document }), ...union, indexes };
}

function bothReaders(one: Collection['readers'], other: Collection['readers']): Pick<Collection, 'readers'> {
  if (one === undefined || other === undefined) return { readers: one ?? other };
  return { readers: one.filter((reader) => other.includes(reader)) };
}

function bothFields(some: Fields, others: Fields): Fields {
  const names = [...new Set([...Object.keys(some), ...Object.keys(others)])];
  return Object.fromEntries(names.map((name) => [name, bothOf(some[name], others[name])]));
}

// Nothing is required of old and new alike, and limits are each node's own matter.
function bothOf(one: Field | undefined, other: Field | undefined): Field {
  const personal = one?.personal === true || other?.personal === true ? { personal: true } : {};
  const help = one?.help ?? other?.help;
  const about = { ...personal, ...(help !== undefined && { help }) };
  const known = [one, other].filter((field) => field !== undefined);
  const [first, second = first] = known;
  if (first === undefined || first.type !== second?.type) return { type: 'json', ...about };
  if (first.type === 'object' && second.type === 'object') {
    const fields = first.fields && second.fields && bothFields(first.fields, second.fields);
    return { type: 'object', ...(fields && { fields }), ...about };
  }
  if (first.type === 'list' && second.type === 'list') {
    const of = first.of && second.of && bothOf(first.of, second.of);
    return { type: 'list', ...(of && { of }), ...about };
  }
  return { ...about, type: first.type };
}
