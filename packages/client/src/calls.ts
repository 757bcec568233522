import type { daemonRoutes, relayRoutes, Route } from '@holdfast/protocol';

/** The daemon's routes, as a type: nothing of protocol is loaded at run time. */
export type DaemonRoutes = typeof daemonRoutes;

/** The relay's routes, as a type. */
export type RelayRoutes = typeof relayRoutes;

/** What has to be known of a route at run time. */
export type CallOf<R extends Route> = Pick<R, 'method' | 'path'>;

/** The run-time part of a set of routes: one missing, too many, or with a wrong path or method is a type error. */
export type Calls<Set extends { readonly [Id in keyof Set]: Route }> = {
  readonly [Id in keyof Set]: CallOf<Set[Id]>;
};

/** What a schema gives, read off its type so that zod itself is not needed. */
type Output<Schema> = Schema extends { readonly _zod: { readonly output: infer Value } } ? Value : never;

type ParamsPart<R extends Route> = R extends { readonly params: infer Params }
  ? { readonly params: { readonly [Name in keyof Params]: string } }
  : { readonly params?: undefined };

type QueryPart<R extends Route> = R extends { readonly query: infer Schema }
  ? { readonly query?: Readonly<Output<Schema>> | undefined }
  : { readonly query?: undefined };

type BodyPart<R extends Route> = R extends { readonly body: { readonly schema: infer Schema } }
  ? { readonly body: Output<Schema> }
  : R extends { readonly body: { readonly kind: 'document' | 'patch' } }
    ? { readonly body: unknown }
    : { readonly body?: undefined };

/** What a call of a route takes: its path parameters, query parameters, body. */
export type InputOf<R extends Route> = ParamsPart<R> & QueryPart<R> & BodyPart<R>;

/** What a route answers with: its JSON, a document (`unknown`), or nothing. */
export type AnswerOf<R extends Route> = R extends { readonly answer: { readonly schema: infer Schema } }
  ? Output<Schema>
  : R extends { readonly answer: { readonly kind: 'none' } }
    ? undefined
    : unknown;
