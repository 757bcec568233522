import { HoldfastError } from '../errors.ts';
import { type ConfiguredSubscriptions, subscriptionsSchema } from '../subscriptions.ts';

/** The kinds of value an option has. */
interface OptionValues {
  readonly string: string;
  readonly integer: number;
  readonly list: readonly string[];
  /** A mapping in the file, and JSON elsewhere. */
  readonly subscriptions: ConfiguredSubscriptions;
}

/** A kind of option value. */
export type OptionKind = keyof OptionValues;

/** One option: YAML key, flag, environment variable, check and manual entry all follow from it. */
export interface Option<Kind extends OptionKind = OptionKind> {
  readonly kind: Kind;
  /** Used when nothing sets it. */
  readonly default: OptionValues[Kind];
  /** One line for help and the manual, with the unit where the name does not carry it. */
  readonly help: string;
  /** Least and greatest integer. */
  readonly min?: number;
  readonly max?: number;
  /** The only strings allowed. */
  readonly choices?: readonly string[];
  /** Shown as `***` wherever configuration is shown. */
  readonly secret?: true;
}

/** A service's options by dotted key: `listen.port`. */
export type Options = Readonly<Record<string, Option>>;

/** The values of a set of options. */
export type ConfigOf<Set extends Options> = { readonly [Key in keyof Set]: OptionValues[Set[Key]['kind']] };

/** Where a value came from. */
export type Origin = 'flag' | 'environment' | 'file' | 'default';

/** What was given, strongest first. Values of `file` are as YAML parsed them; the others are text. */
export interface ConfigSources {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: unknown;
  /** What messages call the file. Default `the file`. */
  readonly fileName?: string | undefined;
}

/** The configuration in force, and where each value came from. */
export interface ResolvedConfig<Set extends Options> {
  readonly values: ConfigOf<Set>;
  readonly origins: { readonly [Key in keyof Set]: Origin };
}

/** The flag of an option: `listen.port` → `--listen-port`. */
export function flagOf(key: string): string {
  return `--${kebab(key)}`;
}

/** The environment variable of an option: `listen.port` of `node` → `HOLDFAST_NODE_LISTEN_PORT`. */
export function environmentOf(service: string, key: string): string {
  return `HOLDFAST_${service}_${kebab(key)}`.replaceAll('-', '_').toUpperCase();
}

function kebab(key: string): string {
  return key.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Puts a configuration together: flags over environment over file over defaults. Throws `bad-configuration` for an
 * unknown key in the file and for a value of the wrong kind, naming the key and where it was set.
 */
export function resolveConfig<const Set extends Options>(
  service: string,
  options: Set,
  sources: ConfigSources,
): ResolvedConfig<Set> {
  const file = flatten(sources.file, options);
  for (const key of file.keys()) {
    if (isKnown(key, file.get(key), options)) continue;
    throw bad(`unknown key "${key}" in ${sources.fileName ?? 'the file'}${suggestion(key, options)}`);
  }
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const [key, option] of Object.entries(options)) {
    const [origin, given] = firstGiven([
      ['flag', sources.flags[key]],
      ['environment', sources.environment[environmentOf(service, key)]],
      ['file', file.get(key)],
    ]);
    origins[key] = origin;
    values[key] = given === undefined ? option.default : readers[option.kind](given, option, `${key} (${origin})`);
  }
  return { values: values as ConfigOf<Set>, origins: origins as ResolvedConfig<Set>['origins'] };
}

function firstGiven(candidates: readonly [Origin, unknown][]): readonly [Origin, unknown] {
  return candidates.find(([, value]) => value !== undefined && value !== null) ?? ['default', undefined];
}

/** One reader for each kind: takes YAML's value or text, gives the checked value. */
const readers: {
  readonly [Kind in OptionKind]: (given: unknown, option: Option, place: string) => OptionValues[Kind];
} = {
  string: (given, option, place) => {
    if (typeof given !== 'string' && typeof given !== 'number') throw bad(`${place} must be a string`);
    const text = String(given);
    if (option.choices && !option.choices.includes(text)) {
      throw bad(`${place} must be one of ${option.choices.join(', ')}, not "${text}"`);
    }
    return text;
  },
  integer: (given, option, place) => {
    const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw bad(`${place} must be a whole number`);
    if (number < (option.min ?? -Infinity) || number > (option.max ?? Infinity)) {
      throw bad(`${place} must be from ${option.min ?? '-∞'} to ${option.max ?? '∞'}, not ${number}`);
    }
    return number;
  },
  list: (given, _option, place) => {
    const items = typeof given === 'string' ? given.split(',').map((item) => item.trim()) : given;
    if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) {
      throw bad(`${place} must be a list of strings`);
    }
    return items.filter((item) => item !== '');
  },
  subscriptions: (given, _option, place) => {
    const parsed = subscriptionsSchema.safeParse(typeof given === 'string' ? parsedOf(given, place) : given);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw bad(`${[place, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'makes no sense'}`);
  },
};

function parsedOf(text: string, place: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw bad(`${place} is not JSON`);
  }
}

/** A value of an option as a flag has it. */
export function optionText(value: OptionValues[OptionKind]): string {
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return value.join(',');
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value);
}

/** The leaves by dotted key; what an option takes whole is a leaf. */
function flatten(tree: unknown, options: Options, prefix = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  if (tree === null || tree === undefined) return flat;
  if (typeof tree !== 'object' || Array.isArray(tree)) throw bad('the file must hold a mapping of keys to values');
  for (const [key, value] of Object.entries(tree as Readonly<Record<string, unknown>>)) {
    const name = prefix + key;
    if (options[name]?.kind === 'subscriptions' || !isBranch(value)) flat.set(name, value);
    else for (const [inner, leaf] of flatten(value, options, `${name}.`)) flat.set(inner, leaf);
  }
  return flat;
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

// A section with nothing in it (`listen:` alone) sets nothing.
function isKnown(key: string, value: unknown, options: Options): boolean {
  if (Object.hasOwn(options, key)) return true;
  const isEmpty = value === null || (typeof value === 'object' && !Array.isArray(value));
  return isEmpty && Object.keys(options).some((known) => known.startsWith(`${key}.`));
}

function suggestion(key: string, options: Options): string {
  const last = key.split('.').at(-1)?.toLowerCase() ?? '';
  const near = Object.keys(options).find((known) => known.toLowerCase().endsWith(last) || last.startsWith(known));
  if (near !== undefined) return `; did you mean "${near}"?`;
  const section = key.slice(0, key.lastIndexOf('.') + 1);
  const siblings = Object.keys(options).filter((known) => section !== '' && known.startsWith(section));
  return siblings.length === 0 ? '' : `; there are ${siblings.join(', ')}`;
}

function bad(detail: string): HoldfastError {
  return new HoldfastError('bad-configuration', detail);
}
