import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { countText } from '../wording.ts';

/** `holdfast leaderboard`: who has the most points. */
export function leaderboardCommand(): Command {
  const command = new Command('leaderboard')
    .description("The agents with the most points, out of the agent's achievements.")
    .option('--limit <count>', 'at most so many (default: 10)');
  withAction<{ readonly limit?: string }>(command, async ({ options, output }) => {
    const limit = parseWholeNumber(options.limit ?? '10', '--limit');
    const standings = await withDaemon(options, (holdfast) => holdfast.achievements.leaderboard({ limit }));
    const rows = standings.map(({ agent, points, achievements }, index) => [
      String(index + 1),
      agent,
      countText(points),
      countText(achievements),
    ]);
    const columns = [
      { title: '' },
      { title: 'agent' },
      { title: 'points', align: 'right' as const },
      { title: 'achievements', align: 'right' as const },
    ];
    output.answer({ standings }, () => (rows.length === 0 ? 'nobody has any points yet' : renderTable(columns, rows)));
  });
  return withExamples(command, 'leaderboard --agent commander');
}
