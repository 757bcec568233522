import { paint } from '../output.ts';
import type { Running } from './account.ts';

const COLUMN = 36;

/** What to try when the demo is over and gone. */
export function afterwardsText(): string {
  return section('Try next', [
    ['npm run demo -- --keep', 'the same, left running to look into'],
    ['scripts/holdfast node', 'a node of your own; it needs no relay'],
    ['scripts/holdfast --help', 'every command'],
  ]);
}

/** What runs, what to try with it, and how to stop it. */
export function keptText(folder: string, running: readonly Running[]): string {
  const relay = `--data-dir ${folder}/relay`;
  const workstation = `--data-dir ${folder}/workstation`;
  const processes = running.map(({ name, url, pid, directory }): Entry => [
    `${name.padEnd(12)} ${url}`,
    `pid ${pid}, ${directory}`,
  ]);
  const files: readonly Entry[] = [
    [`${folder}/tokens/`, 'a token for each agent'],
    [`${folder}/*/admin.token`, 'the admin token of each service'],
    [`${folder}/logs/`, 'what they log'],
  ];
  return [
    section('Still running', [...processes, ...files]),
    section('Try', [
      [`scripts/holdfast status ${relay}`, ''],
      [`scripts/holdfast status ${workstation}`, ''],
      [`scripts/holdfast query assessments --network --where '{"passed":true}' --limit 3 ${relay}`, ''],
      [`scripts/holdfast query tasks --group-by status --agent commander ${workstation}`, ''],
      [`scripts/holdfast put notes n-1 '{"text":"hello"}' --agent recruiter ${workstation}`, ''],
      [`scripts/holdfast query notes --network ${relay}`, ''],
    ]),
    section('Stop and remove', [[`kill ${running.map(({ pid }) => pid).join(' ')}; sleep 2; rm -r ${folder}`, '']]),
  ].join('\n\n');
}

type Entry = readonly [what: string, remark: string];

function section(title: string, entries: readonly Entry[]): string {
  const lines = entries.map(([what, remark]) =>
    remark === '' ? `  ${what}` : `  ${what.padEnd(COLUMN)}  ${paint('dim', remark)}`,
  );
  return [paint('bold', title), ...lines].join('\n');
}
