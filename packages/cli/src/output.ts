import { styleText } from 'node:util';

/** A colour or weight for terminals. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Styled text, plain where the stream is no terminal or NO_COLOR is set. */
export function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return styleText(style, text, { stream });
}

/** Where a command's answer goes: JSON for programs, text for people. */
export interface Output {
  readonly json: boolean;
  /** The command's answer, on stdout: `value` with `--json`, else the text. */
  answer(value: unknown, text: () => string): void;
  /** A remark beside the answer, on stderr; silent with `--json`. */
  remark(text: string): void;
}

/** The output of one command. JSON is indented on a terminal only. */
export function makeOutput(json: boolean): Output {
  return {
    json,
    answer: (value, text) => {
      const shown = json ? JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0) : text();
      process.stdout.write(shown.endsWith('\n') || shown === '' ? shown : `${shown}\n`);
    },
    remark: (text) => {
      if (!json) process.stderr.write(`${text}\n`);
    },
  };
}

/** Text for stdout with a style. */
export function paint(style: Style, text: string): string {
  return styled(process.stdout, style, text);
}
