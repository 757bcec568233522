import { parseSync, type ParseResult, type Span } from 'oxc-parser';

/** One import or re-export of another module. */
export interface ImportEdge {
  readonly specifier: string;
  /** Whether nothing is left of it at run time: `import type`, `export type`. */
  readonly isTypeOnly: boolean;
}

/** A test or a group of tests as it stands in a file. */
export interface TestCall {
  /** Titles from the outermost group to its own, joined by ` > `. */
  readonly fullName: string;
  readonly title: string;
  readonly isGroup: boolean;
  /** Names between `test` and the call: `only`, `skip`, `each`, … */
  readonly modifiers: readonly string[];
}

/** A node of the syntax tree, as far as walking needs to know it. */
interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Parses a file. Throws on a syntax error, so that no gate passes a file it could not read. */
function parse(path: string, text: string): ParseResult {
  const result = parseSync(path, text);
  const [error] = result.errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  return result;
}

/** What a file imports: static, re-exported and dynamic with a literal name. Throws on a syntax error. */
export function importsOf(path: string, text: string): readonly ImportEdge[] {
  const { module } = parse(path, text);
  const edge = (statement: Span, specifier: string): ImportEdge => ({
    specifier,
    isTypeOnly: /^(?:import|export)\s+type\b/.test(text.slice(statement.start, statement.end)),
  });
  const imported = module.staticImports.map((statement) => edge(statement, statement.moduleRequest.value));
  const exported = module.staticExports.flatMap((statement) => {
    const [entry] = statement.entries;
    return entry?.moduleRequest ? [edge(statement, entry.moduleRequest.value)] : [];
  });
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest }) => {
    const literal = /^(['"`])(?<specifier>[^$]*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    return literal?.groups?.['specifier'] ? [{ specifier: literal.groups['specifier'], isTypeOnly: false }] : [];
  });
  return [...imported, ...exported, ...dynamic];
}

/** Whether a file has `export * from`. */
export function hasStarExport(path: string, text: string): boolean {
  const { module } = parse(path, text);
  return module.staticExports.some(({ entries }) => entries.some((entry) => entry.importName.kind.startsWith('All')));
}

/** The exported declarations of a file that no doc comment stands right before; of overloads, only the first counts. */
export function declarationsWithoutComment(path: string, text: string): readonly string[] {
  const { program, comments } = parse(path, text);
  const documented = new Set(
    comments.filter(({ value }) => value.startsWith('*')).map(({ end }) => end + text.slice(end).search(/\S/)),
  );
  const seen = new Set<string>();
  return program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return [];
    const names = declaredBy(asNode(statement.declaration));
    const isNew = names.some((name) => !seen.has(name));
    for (const name of names) seen.add(name);
    return isNew && !documented.has(statement.start) ? [names.join(', ')] : [];
  });
}

function declaredBy(declaration: SyntaxNode): readonly string[] {
  const declarators = declaration['declarations'];
  const nodes = Array.isArray(declarators) ? (declarators as readonly unknown[]).filter(isNode) : [declaration];
  return nodes.flatMap((node) => nameOf(node['id']) ?? []);
}

/** The tests and groups of a file in order, with titles as they stand there (template literals unexpanded). */
export function testsOf(path: string, text: string): readonly TestCall[] {
  const found: TestCall[] = [];
  const visit = (node: SyntaxNode, groups: readonly string[]): void => {
    const call = asTestCall(node, text);
    if (call === undefined) return visitChildren(node, (child) => visit(child, groups));
    const path = [...groups, call.title];
    found.push({ ...call, fullName: path.join(' > ') });
    visitChildren(node, (child) => visit(child, call.isGroup ? path : groups));
  };
  visit(asNode(parse(path, text).program), []);
  return found;
}

/** Names declared in a file: at its top level, and members of its classes, interfaces and object constants. */
export function declaredNames(path: string, text: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: SyntaxNode): void => {
    const name = declarationTypes.has(node.type) ? nameOf(node['id'] ?? node['key']) : undefined;
    if (name !== undefined) names.add(name);
    if (!node.type.endsWith('FunctionBody') && node.type !== 'BlockStatement') visitChildren(node, visit);
  };
  visit(asNode(parse(path, text).program));
  return names;
}

const declarationTypes = new Set([
  'FunctionDeclaration',
  'ClassDeclaration',
  'VariableDeclarator',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  'MethodDefinition',
  'PropertyDefinition',
  'TSMethodSignature',
  'TSPropertySignature',
  'Property',
]);

function nameOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  const name = node['name'] ?? node['value'];
  return typeof name === 'string' ? name : undefined;
}

function asTestCall(node: SyntaxNode, text: string): Omit<TestCall, 'fullName'> | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const names = calleeNames(node['callee']);
  const [base] = names;
  const [first] = Array.isArray(node['arguments']) ? (node['arguments'] as readonly unknown[]) : [];
  if (base === undefined || !['test', 'it', 'describe', 'suite'].includes(base) || !isNode(first)) return undefined;
  const title = titleOf(first, text);
  if (title === undefined) return undefined;
  return { title, isGroup: base === 'describe' || base === 'suite', modifiers: names.slice(1) };
}

/** `test.skip.each(rows)` → test, skip, each. Empty for anything that is not a plain chain of names. */
function calleeNames(callee: unknown): readonly string[] {
  if (!isNode(callee)) return [];
  if (callee.type === 'Identifier') return [String(callee['name'])];
  if (callee.type === 'CallExpression') return calleeNames(callee['callee']);
  if (callee.type === 'TaggedTemplateExpression') return calleeNames(callee['tag']);
  if (callee.type !== 'MemberExpression') return [];
  const object = calleeNames(callee['object']);
  return object.length === 0 ? [] : [...object, nameOf(callee['property']) ?? ''];
}

function titleOf(node: SyntaxNode, text: string): string | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node.type !== 'TemplateLiteral') return undefined;
  return text.slice(Number(node['start']) + 1, Number(node['end']) - 1);
}

function visitChildren(node: SyntaxNode, visit: (child: SyntaxNode) => void): void {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as readonly unknown[]) : [value]) if (isNode(child)) visit(child);
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function asNode(value: unknown): SyntaxNode {
  if (!isNode(value)) throw new Error('not a syntax node');
  return value;
}
