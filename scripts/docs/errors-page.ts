import { code, page, type Protocol, table } from './page.ts';

/** `docs/errors.md`: the catalogue, one row a code, in catalogue order. */
export function errorsPage({ errorCatalogue, errorCodes }: Protocol): string {
  const rows = errorCodes.map((name) => {
    const { status, retryable, title, remedy } = errorCatalogue[name];
    return [code(name), String(status), retryable ? 'yes' : 'no', title, remedy];
  });
  return page('Errors', [
    'Every error answer is `application/problem+json` (RFC 9457) with one of these codes. A code is never renamed and ' +
      'never means anything else later. *Retry*: the same request may succeed later without any change.',
    table(['code', 'status', 'retry', 'what happened', 'what to do'], rows),
  ]);
}
