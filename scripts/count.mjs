// Adds up what .ci/run saw: count.mjs <folder with the reports> <exit code of the tests> <exit code of the gates>.
// A run that failed without a failure in its report, or without a report, counts as one failure.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, testsCode, gatesCode] = process.argv.slice(2);
const counts = [countTests(Number(testsCode)), countGates(Number(gatesCode))];
const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map((kind) => {
  return counts.reduce((sum, count) => sum + count[kind], 0);
});
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function countTests(code) {
  const report = read('tests.json');
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const unread = report.testResults.filter((file) => {
    return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
  });
  const failed = report.numFailedTests + unread.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Gates left out are not counted as skipped: `tests` is left out because the tests ran before. */
function countGates(code) {
  const report = read('gates.json');
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return { passed: report.passed, failed: report.failed === 0 && code !== 0 ? 1 : report.failed, skipped: 0 };
}

function read(name) {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch {
    return undefined;
  }
}
