import { buildProgram } from './program.ts';

/**
 * Runs one command line, without the program's name, and gives the exit code: 0 ok, 1 failed, 2 wrong usage, 78 bad
 * configuration. Failures are printed on stderr, as JSON with `--json`; nothing is thrown but for our own bugs' sake.
 */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(argv);
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    return reportFailure(error, argv.includes('--json'));
  }
}
