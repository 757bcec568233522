import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { withDaemon } from '../services.ts';
import { upTo } from '../up-to.ts';
import { changeText, printChanges, type WatchFlags, watchOptions, withWatchFlags } from '../watch-flags.ts';

/** `holdfast watch`: follows any shared collection. */
export function watchCommand(): Command {
  const command = new Command('watch')
    .description('Records of a shared collection, then what changes, on whichever node, until it is interrupted.')
    .argument('<collection>', 'a shared collection')
    .argument('[prefix]', 'only ids that begin so');
  withWatchFlags(command);
  withAction<WatchFlags>(command, async ({ args: [collection = '', prefix], options, output }) => {
    const { most, from } = await watchOptions(options);
    await withDaemon(options, (holdfast) => {
      const changes = upTo(holdfast.collection(collection).watch({ prefix, from }), most);
      return printChanges(changes, output, ({ id, doc, ...change }) => changeText(id, doc, change));
    });
  });
  return withExamples(command, 'watch board --agent analytics', 'watch board news: --changes --json --agent analytics');
}
